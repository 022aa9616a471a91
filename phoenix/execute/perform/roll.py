"""What each action of a roll does to the world, and the guards that stand before every write.

Guards hold on the way forward only: the way back is never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_never

from phoenix.clock import Clock, rfc3339
from phoenix.clouds.api import Groups, Traffic
from phoenix.errors import CloudError, PhoenixError, RefusedError
from phoenix.execute.engine import Context, Outcome
from phoenix.model import BootState, Group, InstanceState, LaunchTemplate, Release
from phoenix.plan.actions import (
    CreateGroup,
    DeleteGroup,
    Drain,
    EnsureSize,
    KeepGroup,
    MatchLive,
    RollAction,
    RunHooks,
    SaveLogs,
    SetTraffic,
    WaitHealthy,
)
from phoenix.record.history import History, Served
from phoenix.record.journal import Part
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, retry_while_unknown, wait_for

GOOD_ANSWERS = 3
"""Looks in a row that must pass before a group counts as healthy."""
LOG_LINES = 25
"""Lines of a failed machine's own log that an error carries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What a roll acts on: one service in one environment."""

    project: str
    service: str
    environment: str
    groups: Groups
    traffic: Traffic
    history: History
    clock: Clock
    user_data: Callable[[Release], str]
    """The boot work of a release (`boot_work.boot_script`)."""
    run_hooks: Callable[[RunHooks, Mapping[str, str], Context], None]
    ask: Callable[[str], Look]
    """Makes one request to the service at that address and tells how it was answered."""

    def perform(self, action: RollAction, context: Context) -> Outcome:
        """Do `action` and say what it came to."""
        self.traffic.ensure_running()
        match action:
            case CreateGroup():
                return self._create(action, context)
            case EnsureSize():
                return self._ensure_size(action, context)
            case WaitHealthy():
                return self._wait_healthy(action, context)
            case RunHooks():
                return self._hooks(action, context)
            case SetTraffic():
                return self._set_traffic(action, context)
            case Drain():
                return self._drain(action, context)
            case KeepGroup():
                return self._keep(action)
            case SaveLogs():
                return self._save_logs(action, context)
            case DeleteGroup():
                return self._delete(action)
            case _:
                assert_never(action)

    def _hooks(self, action: RunHooks, context: Context) -> Outcome:
        """On the way back a hook that fails, or is no longer what was planned, is told and passed over."""
        try:
            self.run_hooks(action, self._hook_environment(action, context), context)
        except PhoenixError as error:
            if context.part is Part.STEPS:
                raise
            context.say(f"passed over: {error.brief}")
            return {"failed": error.brief}
        return {}

    def _create(self, action: CreateGroup, context: Context) -> Outcome:
        size = self._size(action.size)
        template = LaunchTemplate(
            image=action.release.image,
            machine=action.machine,
            port=action.port,
            health=action.health,
            user_data=self.user_data(action.release),
        )
        group = Group(
            name=action.group,
            project=self.project,
            service=self.service,
            environment=self.environment,
            release=action.release,
            size=size,
            created=self.clock.now(),
        )
        self.history.remember_number(self.service, self.environment, action.group)
        self.groups.create(group, template, between=context.renew)
        self.traffic.attach(self._group(action.group))
        return {"size": size}

    def _ensure_size(self, action: EnsureSize, context: Context) -> Outcome:
        group, size = self._group(action.group), self._size(action.size)
        if group.size < size:
            self.groups.resize(action.group, size, between=context.renew)
        self.traffic.attach(self._group(action.group))
        return {"size": max(size, group.size)}

    def _size(self, rule: MatchLive) -> int:
        """The rule on a fresh read: as many as the live group wants, or the least that the spec asks for."""
        stable = self.traffic.read().stable
        live = self.groups.find(stable) if stable else None
        return max(rule.at_least, live.size if live else 0)

    def _group(self, name: str) -> Group:
        group = self.groups.find(name)
        if group is None:
            raise CloudError(
                f"the group {name} is gone",
                details="it stood when the run began; somebody else removed it",
                resolution="See `phoenix status`, then roll again.",
            )
        return group

    def _wait_healthy(self, action: WaitHealthy, context: Context) -> Outcome:
        try:
            seen = wait_for(
                f"{action.group} becoming healthy",
                lambda: self.look(action.group),
                clock=self.clock,
                deadline=context.deadline,
                interval=min(1.0, action.health.interval),
                in_a_row=GOOD_ANSWERS if action.health.healthy_after else 1,
                steady=action.health.healthy_after,
                on_change=context.say,
                between=context.renew,
            )
        except (DeadlineError, HopelessError) as error:
            raise type(error)(
                f"{action.group} never became healthy",
                details=f"{error.brief}: {error.details}\n{self._log_tail(action.group)}".rstrip(),
                resolution="The logs of its machines are in the run's directory.",
            ) from error
        return {"seen": seen.seen}

    def look(self, name: str) -> Look:
        """Whether every instance of the group has finished its boot and passes the balancer's check now."""
        try:
            group = self._group(name)
            backend = self.traffic.read().backend(name)
        except CloudError as error:
            return retry_while_unknown(error)
        for instance in group.instances:
            if instance.state is InstanceState.DEAD or instance.boot is BootState.FAILED or instance.failed_units:
                return Look(verdict=Verdict.FAIL, seen=f"{instance.id}: {instance.detail or instance.state}")
        booted = sum(1 for instance in group.instances if instance.boot is BootState.DONE)
        healthy = backend.healthy if backend else 0
        seen = f"{booted} of {group.size} have finished their boot work, {healthy} pass the health check"
        ready = booted == healthy == group.size == len(group.instances)
        return Look(verdict=Verdict.PASS if ready else Verdict.UNKNOWN, seen=seen)

    def _log_tail(self, name: str) -> str:
        """The last lines of the first machine that is not well, for the error."""
        group = self.groups.find(name)
        if group is None:
            return ""
        worst = sorted(group.instances, key=lambda i: (i.boot is BootState.DONE and not i.failed_units, i.id))
        for instance in worst[:1]:
            logs = self.groups.logs(instance.id)
            text = logs.get("service" if instance.boot is BootState.DONE else "boot") or logs.get("console", "")
            return f"--- {instance.id}\n" + "\n".join(text.splitlines()[-LOG_LINES:])
        return ""

    def _set_traffic(self, action: SetTraffic, context: Context) -> Outcome:
        shares = dict(action.shares)
        if context.part is Part.STEPS:
            for name in shares:
                self._guard_warm(name)
        former = self.traffic.read().stable
        self.traffic.shift(shares)
        wait_for(
            "the balancer showing the new shares",
            lambda: self._shows(shares),
            clock=self.clock,
            deadline=context.deadline,
            interval=0.2,
            between=context.renew,
        )
        if context.part is Part.STEPS:
            self._expect_answer(context)
            self._remember(shares, former, context)
        return {"shares": shares, "at": rfc3339(self.clock.now())}

    def _expect_answer(self, context: Context) -> None:
        """The balancer's own view is one proof, a real request through it another."""
        wait_for(
            "the service answering through the balancer",
            lambda: self.ask(self.traffic.read().address),
            clock=self.clock,
            deadline=context.deadline,
            interval=0.2,
            on_change=context.say,
            between=context.renew,
        )

    def _guard_warm(self, name: str) -> None:
        """No share to a group whose every instance is not healthy on a fresh read (warm before route)."""
        look = self.look(name)
        if look.verdict is not Verdict.PASS:
            raise CloudError(
                f"{name} is not healthy enough for traffic",
                details=look.seen,
                resolution="Nothing was routed to it.",
            )

    def _shows(self, shares: Mapping[str, int]) -> Look:
        route = self.traffic.read()
        shown = {backend.group: backend.share for backend in route.backends if backend.share}
        wanted = {name: share for name, share in shares.items() if share}
        verdict = Verdict.PASS if shown == wanted else Verdict.UNKNOWN
        return Look(verdict=verdict, seen=f"shares {shown or 'none'}, wanted {wanted or 'none'}")

    def _remember(self, shares: Mapping[str, int], former: str | None, context: Context) -> None:
        """Write down what serves now, so that a rollback finds its way even after the group is gone."""
        name = max(shares, key=lambda group: shares[group])
        known = {served.group: served for served in self.history.served(self.service, self.environment)}
        # On a resume the balancer may show the candidate already: then the record knows who served before.
        last = former if former != name else next(reversed(known), None)
        before = known[name].former if name in known else last  # a rollback twice goes back twice
        served = Served(
            group=name,
            release=self._group(name).release,
            run=context.run_id,
            at=rfc3339(self.clock.now()),
            former=before,
        )
        self.history.remember_served(self.service, self.environment, served)

    def _drain(self, action: Drain, context: Context) -> Outcome:
        """Seen, not slept: the balancer says how many requests are under way; at the limit the rest is cut."""
        sessions = [0]

        def look() -> Look:
            backend = self.traffic.read().backend(action.group)
            sessions[0] = backend.sessions if backend else 0
            verdict = Verdict.UNKNOWN if sessions[0] else Verdict.PASS
            return Look(verdict=verdict, seen=f"{sessions[0]} requests under way")

        try:
            wait_for(
                f"{action.group} draining",
                look,
                clock=self.clock,
                deadline=action.seconds,
                interval=0.2,
                in_a_row=GOOD_ANSWERS,
                on_change=context.say,
                between=context.renew,
            )
        except DeadlineError:
            context.say(f"{sessions[0]} requests outlasted the drain of {action.seconds:g} s")
        return {"left": sessions[0]}

    def _keep(self, action: KeepGroup) -> Outcome:
        if self.groups.find(action.group) is None:
            return {"group": "gone"}
        backend = self.traffic.read().backend(action.group)
        if action.seconds is not None and backend and backend.share:
            raise RefusedError(
                f"{action.group} serves {backend.share} % of the traffic: it is no former group",
                details="somebody gave it traffic meanwhile",
                resolution="See `phoenix status`.",
            )
        until = None if action.seconds is None else self.clock.now() + timedelta(seconds=action.seconds)
        self.groups.label(action.group, keep_until=until)
        return {"keep_until": rfc3339(until) if until else None}

    def _save_logs(self, action: SaveLogs, context: Context) -> Outcome:
        """A best effort by design: logs must never stand in the way of the way back."""
        group = self.groups.find(action.group)
        saved: list[str] = []
        for instance in group.instances if group else ():
            try:
                logs = self.groups.logs(instance.id)
                for kind, text in logs.items():
                    file = context.log_directory / f"{instance.id}.{kind}.log"
                    file.write_text(text, encoding="utf-8")
                    saved.append(file.name)
            except (PhoenixError, OSError) as error:
                context.say(f"no logs of {instance.id}: {error}")
        return {"files": saved}

    def _delete(self, action: DeleteGroup) -> Outcome:
        group = self.groups.find(action.group)
        backend = self.traffic.read().backend(action.group)
        if backend and backend.share:
            raise RefusedError(
                f"{action.group} serves {backend.share} % of the traffic and is not deleted",
                details="somebody gave it traffic after this run had taken it away",
                resolution="See `phoenix status` and decide which group serves.",
            )
        if group and (group.project, group.service, group.environment) != (
            self.project,
            self.service,
            self.environment,
        ):
            raise RefusedError(
                f"{action.group} belongs to {group.project}: {group.service}/{group.environment}",
                details="phoenix deletes only what it made for this service",
                resolution="Remove it by its own project.",
            )
        if backend:
            self.traffic.detach(action.group)
        self.groups.delete(action.group)
        return {"existed": group is not None}

    def _hook_environment(self, action: RunHooks, context: Context) -> dict[str, str]:
        return {
            "PHOENIX_SERVICE": self.service,
            "PHOENIX_ENVIRONMENT": self.environment,
            "PHOENIX_GROUP": action.group,
            "PHOENIX_RUN": context.run_id,
            "PHOENIX_PREVIEW": self.traffic.preview(action.group) or "",
            "PHOENIX_ADDRESS": self.traffic.read().address,
        }


def waits(action: Any) -> bool:
    """Whether an action of a roll only waits, so that it is checked again on resume."""
    return isinstance(action, WaitHealthy)
