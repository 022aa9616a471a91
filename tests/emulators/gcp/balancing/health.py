"""What health checks say of an instance: as a test has told, or as it answers itself.

https://cloud.google.com/load-balancing/docs/health-check-concepts
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.compute.instances import InstanceKind
from tests.emulators.gcp.compute.launching import address_of
from tests.emulators.gcp.compute.said import subjects
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.machines.kinds import Check, Probed
from tests.emulators.machines.prober import Question

CHECKS = {
    "HTTP": "httpHealthCheck",
    "HTTPS": "httpsHealthCheck",
    "HTTP2": "http2HealthCheck",
    "TCP": "tcpHealthCheck",
    "SSL": "sslHealthCheck",
    "GRPC": "grpcHealthCheck",
}
"""Where a health check of a type has its settings."""
HEALTHY, UNHEALTHY, UNKNOWN = "HEALTHY", "UNHEALTHY", "UNKNOWN"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One instance that one health check looks at."""

    check: str
    """Its key."""
    instance: str
    """Its key."""
    port: int | None = None
    """The serving port of a backend service; None for the check's own."""


@dataclass(frozen=True, kw_only=True)
class Streak:
    """The probes of one instance so far."""

    well: bool | None = None
    """None until enough have passed, or failed, in a row."""
    passed: int = 0
    failed: int = 0

    def after(self, *, good: bool, check: Json) -> Streak:
        """The same after one more probe."""
        passed, failed = (self.passed + 1, 0) if good else (0, self.failed + 1)
        well = self.well
        if passed >= check.get("healthyThreshold", 2):
            well = True
        if failed >= check.get("unhealthyThreshold", 2):
            well = False
        return Streak(well=well, passed=passed, failed=failed)


class Health:
    """The health of all instances that are looked at."""

    def __init__(self, emulated: Emulated, instances: InstanceKind) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._instances = instances
        self._streaks: dict[Watch, Streak] = {}

    def forget(self) -> None:
        """Nothing was looked at."""
        self._streaks.clear()

    def state(self, check: str, instance: str, port: int | None = None, *, since: float = 0.0) -> str:
        """HEALTHY or UNHEALTHY, as a load balancer has it: what is not known to be well gets nothing.

        `since`: when it was begun to look.
        """
        return HEALTHY if self._well(check, instance, port, since) else UNHEALTHY

    def detailed(self, check: str, instance: str) -> str:
        """The same as a managed group has it: UNKNOWN before the first verdict."""
        return {True: HEALTHY, False: UNHEALTHY, None: UNKNOWN}[self._well(check, instance, None, 0.0)]

    def _well(self, check: str, instance: str, port: int | None, since: float) -> bool | None:
        row = self._store.get(instance)
        if row is None or row["status"] != "RUNNING" or check not in self._store:
            return None
        if self._emulated.machines.real:
            return self._streaks.get(Watch(check=check, instance=instance, port=port), Streak()).well
        return self._told(instance, since)

    def _told(self, instance: str, since: float) -> bool | None:
        now, settings = self._emulated.clock.now, self._emulated.settings
        begun = max(since, self._instances.running.get(instance, 0.0))
        if now - begun < settings.initial:
            return None
        for name in subjects(self._store, instance) if self._emulated.told else ():
            said = self._emulated.told.get(name)
            if said is not None:
                return said.probed.status == 200 or now - said.since < settings.unhealthy
        return True

    def said(self, instance: str) -> Probed | None:
        """What a test has told of an instance."""
        found = (self._emulated.told.get(name) for name in subjects(self._store, instance))
        return next((said.probed for said in found if said is not None), None)

    def asked(self, watches: Iterable[Watch]) -> list[Question[Watch]]:
        """What a prober has to ask. What is looked at no longer is forgotten."""
        wanted = []
        for watch in watches:
            check, instance = self._store.get(watch.check), self._store.get(watch.instance)
            if check and instance and instance["status"] == "RUNNING" and address_of(instance):
                how, told = read(check, watch.port), self.said(watch.instance)
                wanted.append(Question(of=watch, machine=instance["id"], check=how, told=told))
        running = {question.of for question in wanted}
        self._streaks = {watch: streak for watch, streak in self._streaks.items() if watch in running}
        return wanted

    def probed(self, watch: Watch, probed: Probed) -> None:
        """What came of asking."""
        check = self._store.get(watch.check)
        if check is not None:
            good = probed.status == 200 or (check["type"] in ("TCP", "SSL") and probed.status is not None)
            self._streaks[watch] = self._streaks.get(watch, Streak()).after(good=good, check=check)


def read(check: Json, serving: int | None) -> Check:
    """A health check as a machine is asked."""
    how = check.get(CHECKS[check["type"]], {})
    port = serving if serving and how.get("portSpecification") == "USE_SERVING_PORT" else how.get("port", 80)
    return Check(
        port=port,
        path=how.get("requestPath", "/"),
        timeout=check.get("timeoutSec", 5),
        host=how.get("host", ""),
        agent="GoogleHC/1.0",
    )
