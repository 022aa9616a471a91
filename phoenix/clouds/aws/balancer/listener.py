"""The listener whose rule serves a place, the load balancer behind it, and the listener's rules."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.clouds.aws.balancer import preview, rule
from phoenix.clouds.aws.balancer.preview import PreviewRule
from phoenix.clouds.aws.balancer.rule import Rule
from phoenix.clouds.aws.calls import Calls, RefusedCallError
from phoenix.errors import RefusedError

_KINDS = {"network": "Network", "gateway": "Gateway"}
_PORTS = {"HTTP": 80, "HTTPS": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A listener of an Application Load Balancer."""

    arn: str
    protocol: str
    port: int
    balancer: str
    """The load balancer's ARN."""
    name: str
    """The load balancer's name."""
    host: str
    """The load balancer's DNS name."""
    vpc: str

    @property
    def address(self) -> str:
        """Where its clients reach it."""
        port = "" if self.port == _PORTS.get(self.protocol) else f":{self.port}"
        return f"{self.protocol.lower()}://{self.host}{port}"

    def __str__(self) -> str:
        return f"{self.protocol}:{self.port} of {self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The rules of a listener at one moment, as one place sees them."""

    every: tuple[Rule, ...]
    live: Rule
    """The one that serves the place."""
    previews: tuple[PreviewRule, ...]
    """Those of the place's groups."""

    def preview(self, target_group: str) -> PreviewRule | None:
        """The preview rule of the target group, also of one that is leaving."""
        return next((each for each in self.previews if each.target_group == target_group), None)

    @property
    def attached(self) -> tuple[str, ...]:
        """The target groups that have a share, or a preview rule that lets somebody in. Sorted."""
        shown = {each.target_group for each in self.previews if not each.leaving}
        return tuple(sorted(shown | set(self.live.weights)))


def opened(calls: Calls, arn: str) -> Listener:
    """The listener of that ARN. RefusedError where there is none, or where it is no Application Load Balancer's."""
    try:
        there = calls.ask("elbv2", "describe_listeners", ListenerArns=[arn])["Listeners"]
        balancers = [each["LoadBalancerArn"] for each in there]
        told = calls.ask("elbv2", "describe_load_balancers", LoadBalancerArns=balancers)["LoadBalancers"]
    except RefusedCallError as error:
        if error.said not in ("ListenerNotFound", "LoadBalancerNotFound", "ValidationError"):
            raise
        raise _no_listener(arn, error.details) from error
    if not there or not told:
        raise _no_listener(arn, "AWS names none")
    kind = str(told[0].get("Type", "application"))
    if kind != "application":
        raise RefusedError(
            f"the listener {there[0]['Protocol']}:{there[0]['Port']} is a {_KINDS.get(kind, kind)} Load Balancer's",
            details=f"{told[0]['LoadBalancerName']} forwards connections, not requests: it cannot split them by shares",
            resolution="Put an Application Load Balancer before the service, and name its listener in phoenix.yaml.",
        )
    return Listener(
        arn=arn,
        protocol=there[0]["Protocol"],
        port=int(there[0]["Port"]),
        balancer=told[0]["LoadBalancerArn"],
        name=told[0]["LoadBalancerName"],
        host=told[0]["DNSName"],
        vpc=told[0]["VpcId"],
    )


def rules_of(calls: Calls, listener: Listener, wanted: str, mark: str) -> Rules:
    """The listener's rules as they are now, of which `wanted` (`default` or a priority) serves the place of that mark.

    RefusedError where there is no such rule.
    """
    answers = calls.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener.arn)
    every = tuple(rule.parsed(answer) for answer in answers)
    live = next((each for each in every if str(each.priority or "default") == wanted), None)
    if live is None:
        there = ", ".join(str(each.priority or "default") for each in every)
        raise RefusedError(
            f"the listener {listener} has no rule {wanted}",
            details=f"it has {there or 'none'}",
            resolution="Make the rule, or name another one in `load_balancer.rule` of phoenix.yaml.",
        )
    previews = tuple(shown for each in every if each is not live and (shown := preview.found(each, mark)))
    return Rules(every=every, live=live, previews=previews)


def _no_listener(arn: str, details: str) -> RefusedError:
    return RefusedError(
        f"there is no listener {arn}",
        details=details,
        resolution="See `load_balancer.listener` in phoenix.yaml, and whether `region` is the listener's.",
    )
