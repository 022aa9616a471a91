"""A small stage on which whole rolls are played in memory: one service, one cloud, one store, one clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from phoenix import observe
from phoenix.errors import HeldError
from phoenix.execute import claims
from phoenix.execute.engine import Context, Engine
from phoenix.execute.outcomes import Outcome
from phoenix.execute.ownership import OwnedRun, request_abort
from phoenix.execute.perform.roll import Roller
from phoenix.execute.perform.world import World
from phoenix.model import Health, ImageType, Machine, Observed, Package, Place, Release
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll import roll
from phoenix.plan.roll_actions import RollAction, RunHooks, roll_plan
from phoenix.plan.rollback import rollback
from phoenix.record import journal
from phoenix.record.history import History
from phoenix.record.journal import Run
from phoenix.spec.images import ImageName
from phoenix.spec.services import BlueGreen, EnvironmentSpec, Hooks, LocalBalancer, ServiceSpec, Size, Strategy
from phoenix.wait import Look, Verdict
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.doubles import FakeClock, MemoryStore
from tests.support.fakes.manners import LOCAL, Kind

SUBJECT = "web-tier/local"
PLACE = Place(service="web-tier", environment="local")
NO_PROCESS = 2**22 + 1
"""Above the kernel's highest process number."""


def environment(*, size: int = 2, keep: float = 1800.0, strategy: Strategy | None = None) -> EnvironmentSpec:
    return EnvironmentSpec(
        name="local",
        cloud="local",
        size=Size(minimum=size, maximum=size),
        machine=Machine(),
        load_balancer=LocalBalancer(listen="127.0.0.1:8000"),
        strategy=strategy or BlueGreen(keep=keep),
    )


def service(
    *, hooks: Hooks | None = None, size: int = 2, keep: float = 1800.0, strategy: Strategy | None = None
) -> ServiceSpec:
    return ServiceSpec(
        name="web-tier",
        image=ImageName(type=ImageType.FOUNDATION, name="nodejs"),
        packages=(),
        settings={},
        port=8080,
        health=Health(healthy_after=3.0, deadline=60.0),
        drain=10.0,
        min_healthy=None,
        hooks=hooks or Hooks(),
        orphan="abort",
        environments={"local": environment(size=size, keep=keep, strategy=strategy)},
    )


def release(version: str, image: str = "image-1") -> Release:
    package = Package(name="hello", version=version, sha256="0" * 64, repository="main")
    return Release(image=image, image_ref=f"foundation/nodejs@{image}", packages=(package,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Meddled(Roller):
    """The real performer; before a step somebody else does something."""

    meddle: dict[str, Callable[[], object]]

    def perform(self, action: RollAction, context: Context) -> Outcome:
        self.meddle.pop(context.step, lambda: None)()
        return Roller.perform(self, action, context)


@dataclass
class Stage:
    """Everything a roll needs. `again()` is the next process: the same world, nothing in memory."""

    logs: Path
    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    spec: ServiceSpec = field(default_factory=service)
    said: list[str] = field(default_factory=list)
    no_traffic: bool = False
    adopt: bool = False
    """Whether a group that phoenix did not make may lose its traffic."""
    kind: Kind = LOCAL
    """Of the cloud."""
    hooks_run: list[str] = field(default_factory=list)
    answer: Look = field(default_factory=lambda: Look(verdict=Verdict.PASS, seen="answers 200"))
    """What a real request through the balancer comes to."""
    answer_alone: Look | None = None
    """What a request to a single machine comes to, where one can be asked."""
    meddle: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What somebody does just before the step of that id is carried out; once."""

    def __post_init__(self) -> None:
        self.cloud = FakeCloud(self.clock, self.kind)

    @property
    def observed(self) -> Observed:
        return observe.service(self.cloud.door, PLACE, History(self.store))

    @property
    def shares(self) -> dict[str, int]:
        return {b.group: b.share for b in self.observed.route.backends if b.share}

    @property
    def groups(self) -> list[str]:
        """The groups that phoenix made."""
        return sorted(name for name, group in self.cloud.standing.items() if group.made)

    def engine(self) -> Engine[RollAction]:
        def run_hooks(action: RunHooks, environment: Mapping[str, str], context: Context) -> None:
            self.hooks_run.append(f"{action.point} {environment['PHOENIX_PREVIEW']}")

        world = World(
            project="hello",
            place=PLACE,
            cloud=self.cloud.door,
            traffic=self.cloud,
            history=History(self.store),
            clock=self.clock,
            user_data=lambda release: f"boot {release.id}",
            run_hooks=run_hooks,
            ask=lambda _route: self.answer,
            ask_machine=lambda _instance: self.answer_alone,
        )

        return Engine(
            performer=Meddled(world=world, meddle=self.meddle),
            changes_traffic=True,
            clock=self.clock,
            logs=self.logs,
            tell=lambda told: self.said.append(told.text),
        )

    def plan(self, version: str, digests: Mapping[str, str] | None = None) -> Plan[RollAction]:
        spec = self.spec
        where = spec.environments["local"]
        return roll(
            spec,
            where,
            where.strategy,
            release(version),
            self.observed,
            digests or {},
            hold=self.no_traffic,
            adopt=self.adopt,
        )

    def roll(self, version: str) -> Run:
        return self.carry_out("roll", self.plan(version))

    def roll_to_end(self, version: str) -> Run:
        """Roll it, and promote it wherever it holds."""
        try:
            return self.roll(version)
        except HeldError:
            return self.promote()

    def rollback(self, target: str) -> Run:
        return self.carry_out("rollback", rollback(self.spec, self.spec.environments["local"], self.observed, target))

    def carry_out(self, kind: str, plan: Plan[RollAction]) -> Run:
        owned = OwnedRun.begin(self.store, self.clock, kind=kind, subject=SUBJECT, plan=to_json(plan))
        self.engine().execute(owned, plan)
        return owned.run

    def promote(self) -> Run:
        """Another process promotes the held run."""
        owned = claims.claim_watched(self.store, self.clock, SUBJECT, self.said.append)
        assert owned is not None
        self.engine().promote(owned, roll_plan(owned.run.plan), "somebody", "looks good")
        return owned.run

    def ask_to_abort(self) -> None:
        """Another process asks the live run to go back."""
        run = History(self.store).live_run(SUBJECT)
        assert run is not None
        request_abort(self.store, self.clock, run, "wrong release")

    def bury(self) -> None:
        """Make the owner of the live run a process that is certainly dead."""
        key = journal.live_key(SUBJECT)
        value = self.store.get(key)
        if value is not None:
            run = journal.load(value.data)
            dead = replace(run, owner=replace(run.owner, pid=NO_PROCESS))
            self.store.put_if(key, journal.dump(dead), value.tag)

    def take_over(self, *, abort: bool) -> Run | None:
        """What `phoenix tend` (abort) or `phoenix resume` does in a new process after a kill."""
        self.bury()
        owned = claims.claim_watched(self.store, self.clock, SUBJECT, self.said.append)
        if owned is None:
            return None
        plan = roll_plan(owned.run.plan)
        if abort:
            self.engine().abort(owned, plan, "its process died")
        else:
            self.engine().execute(owned, plan)
        return owned.run
