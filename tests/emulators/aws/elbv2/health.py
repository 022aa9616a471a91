"""What a balancer makes of the answers to its health checks: pure, of numbers and words.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulators.machines.kinds import Probed


@dataclass(frozen=True, kw_only=True)
class Health:
    """State, reason and description of DescribeTargetHealth."""

    state: str
    reason: str = ""
    description: str = ""


REGISTERING = Health(
    state="initial", reason="Elb.RegistrationInProgress", description="Target registration is in progress"
)
FIRST_CHECKS = Health(
    state="initial", reason="Elb.InitialHealthChecking", description="Initial health checks in progress"
)
HEALTHY = Health(state="healthy")
LEAVING = Health(
    state="draining",
    reason="Target.DeregistrationInProgress",
    description="Target deregistration is in progress",
)
ABSENT = Health(
    state="unused", reason="Target.NotRegistered", description="Target is not registered to the target group"
)
UNUSED = Health(
    state="unused",
    reason="Target.NotInUse",
    description="Target group is not configured to receive traffic from the load balancer",
)
ELSEWHERE = Health(
    state="unused",
    reason="Target.NotInUse",
    description="Target is in an Availability Zone that is not enabled for the load balancer",
)
STOPPED = Health(state="unused", reason="Target.InvalidState", description="Target is in the stopped state")


def passes(matcher: str, status: int | None) -> bool:
    """Whether a status is among the codes of a matcher: `200`, `200,302` or `200-399`."""
    if status is None:
        return False
    for part in matcher.split(","):
        least, dash, most = part.strip().partition("-")
        if int(least) <= status <= int(most if dash else least):
            return True
    return False


def unhealthy(probed: Probed) -> Health:
    """Why a check failed, in the balancer's words."""
    if probed.status is not None:
        return Health(
            state="unhealthy",
            reason="Target.ResponseCodeMismatch",
            description=f"Health checks failed with these codes: [{probed.status}]",
        )
    if "timed out" in probed.error:
        return Health(state="unhealthy", reason="Target.Timeout", description="Request timed out")
    return Health(state="unhealthy", reason="Target.FailedHealthChecks", description="Health checks failed")


@dataclass(frozen=True, kw_only=True)
class Streak:
    """The checks of one target so far. A new target is healthy after one that passes."""

    well: bool | None = None
    """None before the first verdict."""
    passed: int = 0
    failed: int = 0
    last: Probed | None = None

    def after(self, probed: Probed, *, good: bool, healthy_after: int, unhealthy_after: int) -> Streak:
        """The same after one more check."""
        passed, failed = (self.passed + 1, 0) if good else (0, self.failed + 1)
        well = self.well
        if good and (well is None or passed >= healthy_after):
            well = True
        elif not good and failed >= unhealthy_after:
            well = False
        return Streak(well=well, passed=passed, failed=failed, last=probed)

    @property
    def health(self) -> Health:
        """As the balancer tells it."""
        if self.well is None or self.last is None:
            return FIRST_CHECKS
        return HEALTHY if self.well else unhealthy(self.last if self.failed else Probed(status=None))
