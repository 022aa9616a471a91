"""A stage on which whole rolls are played on the emulated AWS: real groups and a real rule at the wire, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phoenix import observe
from phoenix.clouds.aws.cloud import AwsCloudDoor
from phoenix.execute import claims
from phoenix.execute.engine import Context, Engine
from phoenix.execute.ownership import OwnedRun
from phoenix.execute.perform.world import World
from phoenix.model import CloudMachine, Health, ImageType, Observed, Package, Place, Release
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll import roll
from phoenix.plan.roll_actions import RollAction, RunHooks, roll_plan
from phoenix.record.history import History
from phoenix.record.journal import Run
from phoenix.spec.images import ImageName
from phoenix.spec.project import Project
from phoenix.spec.services import AwsBalancer, BlueGreen, EnvironmentSpec, Hooks, ServiceSpec, Size, Strategy
from phoenix.wait import Look, Verdict
from tests.support.fakes.doubles import MemoryStore
from tests.support.real.aws import PORT, Account
from tests.support.rolls.stage import Meddled

PLACE = Place(service="web", environment="prod")
SUBJECT = "web/prod"
OLD, NEW = "web-prod-v001", "web-prod-v002"
TWO = Size(minimum=2, maximum=2)
AT_ONCE = BlueGreen(keep=600.0)


def service(account: Account, *, size: Size, strategy: Strategy) -> ServiceSpec:
    """The service `web`, which lives in `prod` behind the account's listener."""
    machine = CloudMachine(type="t3.micro", firewall=(account.world.security_group,))
    environment = EnvironmentSpec(
        name="prod",
        cloud="aws",
        size=size,
        machine=machine,
        load_balancer=AwsBalancer(listener=account.world.listener, rule="default"),
        strategy=strategy,
    )
    return ServiceSpec(
        name="web",
        image=ImageName(type=ImageType.OS, name="debian-12"),
        packages=(),
        settings={},
        port=PORT,
        health=Health(interval=5.0, healthy_after=5.0, deadline=300.0),
        drain=10.0,
        min_healthy=None,
        hooks=Hooks(),
        orphan="abort",
        environments={"prod": environment},
    )


@dataclass(frozen=True, kw_only=True)
class AwsStage:
    """One service on AWS with its record; every roll is a process of its own."""

    account: Account
    logs: Path
    strategy: Strategy = AT_ONCE
    size: Size = TWO
    adopt: bool = False
    store: MemoryStore = field(default_factory=MemoryStore)
    said: list[str] = field(default_factory=list)
    meddle: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What somebody does just before the step of that id is carried out; once."""

    @property
    def spec(self) -> ServiceSpec:
        return service(self.account, size=self.size, strategy=self.strategy)

    @property
    def door(self) -> AwsCloudDoor:
        """The cloud as one more process opens it; its groups wait by the emulator's clock."""
        project = Project(
            name=self.account.project,
            directory=self.logs,
            file=self.logs / "phoenix.yaml",
            state=".phoenix",
            state_is_shared=False,
            clouds={"aws": self.account.spec},
            repositories={},
            recipes={},
            services={"web": self.spec},
            stacks={},
        )
        door = AwsCloudDoor(project, self.account.spec)
        door.__dict__ |= {"groups": self.account.groups(), "_calls": self.account.calls}  # boto3's clients are dear
        return door

    @property
    def observed(self) -> Observed:
        return observe.service(self.door, PLACE, History(self.store))

    @property
    def shares(self) -> dict[str, int]:
        return dict(self.door.traffic(PLACE).read().shares)

    def size_of(self, group: str) -> tuple[int, int]:
        """How many machines the group wants, and how many of them run."""
        found = self.account.seen(group)
        return found.size, sum(1 for each in found.staying if each.state == "running")

    def engine(self) -> Engine[RollAction]:
        def no_hooks(action: RunHooks, environment: Mapping[str, str], context: Context) -> None:
            raise AssertionError("it has none")

        door = self.door
        world = World(
            project=self.account.project,
            place=PLACE,
            cloud=door,
            traffic=door.traffic(PLACE),
            history=History(self.store),
            clock=self.account.clock,
            user_data=lambda release: f"#!/bin/sh\necho {release.id}\n",
            run_hooks=no_hooks,
            ask=lambda _route: Look(verdict=Verdict.PASS, seen="answers 200"),
        )
        return Engine(
            performer=Meddled(world=world, meddle=self.meddle),
            changes_traffic=True,
            clock=self.account.clock,
            logs=self.logs,
            tell=lambda told: self.said.append(told.text),
        )

    def release(self, version: str) -> Release:
        package = Package(name="hello", version=version, sha256="0" * 64, repository="main")
        return Release(image=self.account.world.image, image_ref="os/debian-12@0", packages=(package,))

    def plan(self, version: str) -> Plan[RollAction]:
        spec, observed = self.spec, self.observed
        stable = observed.stable
        return roll(
            spec,
            spec.environments["prod"],
            self.strategy,
            self.release(version),
            observed,
            {},
            adopt=self.adopt,
            survey=self.door.groups.survey(stable.name) if stable else None,
        )

    def roll(self, version: str) -> Run:
        plan = to_json(self.plan(version))
        owned = OwnedRun.begin(self.store, self.account.clock, kind="roll", subject=SUBJECT, plan=plan)
        self.engine().execute(owned, roll_plan(plan))
        return owned.run

    def take_over(self) -> Run:
        """Another process goes on with the run of one that died."""
        owned = claims.claim_watched(self.store, self.account.clock, SUBJECT, self.said.append)
        assert owned is not None
        self.engine().execute(owned, roll_plan(owned.run.plan))
        return owned.run
