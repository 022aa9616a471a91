"""From an empty directory to a rolled service: `phoenix init`, the ground by Terraform, and groups on it.

Terraform is real, its providers speak the real schemas, and what a roll refers to they make on the emulated clouds. So
phoenix.yaml is the one that `init` wrote, and everything in it comes out of the stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from phoenix.model import CloudMachine
from phoenix.orders.site import Site
from phoenix.record.journal import RunState
from phoenix.spec.clouds import AwsCloud, GcpCloud
from phoenix.spec.project import Project
from phoenix.spec.services import AwsBalancer, GcpUrlMap, ServiceSpec
from phoenix.tell import nobody
from tests.emulators.aws import Emulator
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.emulators.terraform import made_at_aws, made_at_google
from tests.support.real import aws
from tests.support.real import gcp as google
from tests.support.real.ground import laid, unchanged
from tests.support.real.shell import Shell
from tests.support.rolls import aws_stage, gcp_stage
from tests.support.rolls.aws_stage import AwsStage
from tests.support.rolls.gcp_stage import GcpStage

pytestmark = pytest.mark.full


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path: sockets are in it."""
    with TemporaryDirectory(prefix="nothing-") as name:
        yield Path(name)


def project_of(shell: Shell) -> Project:
    """What phoenix.yaml comes to."""
    return Site.open(shell.directory / "phoenix.yaml", {}, nobody).project


@dataclass(frozen=True, kw_only=True)
class OnAws(AwsStage):
    """A stage whose machines and balancer are those of a project."""

    service: ServiceSpec

    @property
    def spec(self) -> ServiceSpec:
        played, there = super().spec, self.service.environments["aws"]
        environment = replace(played.environments["prod"], machine=there.machine, load_balancer=there.load_balancer)
        return replace(played, environments={"prod": environment})


@dataclass(frozen=True, kw_only=True)
class OnGoogle(GcpStage):
    """The same at Google Cloud."""

    service: ServiceSpec

    @property
    def spec(self) -> ServiceSpec:
        played, there = super().spec, self.service.environments["gcp"]
        environment = replace(played.environments["prod"], machine=there.machine, load_balancer=there.load_balancer)
        return replace(played, environments={"prod": environment})


def test_aws(emulator: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = aws.account(emulator, "shop")
    world = made_at_aws.world(account.client)
    with laid(folder, monkeypatch, "aws", world) as shell:
        assert shell.run("validate")["ok"]
        project = project_of(shell)
        cloud, service = project.clouds["aws"], project.services["web-tier"]
        balancer, machine = service.environments["aws"].load_balancer, service.environments["aws"].machine
        assert isinstance(cloud, AwsCloud)
        assert isinstance(balancer, AwsBalancer)
        assert isinstance(machine, CloudMachine)
        assert len(cloud.subnets) == 2
        assert balancer.rule == "100"
        assert machine.identity == "shop-prod-machine"

        stage = OnAws(account=replace(account, spec=cloud), logs=folder, service=service)
        assert stage.roll("1").state is RunState.DONE
        assert stage.shares == {aws_stage.OLD: 100}
        assert unchanged(shell, "aws")
        assert stage.roll("2").state is RunState.DONE
        assert stage.shares == {aws_stage.NEW: 100}
        assert unchanged(shell, "aws")


def test_google(gcp: GcpEmulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = google.account(gcp, "shop")
    world = made_at_google.world(gcp, account.ask)
    yours = {"project": account.world.project, "region": account.world.region}
    with laid(folder, monkeypatch, "gcp", world, **yours) as shell:
        assert shell.run("validate")["ok"]
        project = project_of(shell)
        cloud, service = project.clouds["gcp"], project.services["web-tier"]
        balancer, machine = service.environments["gcp"].load_balancer, service.environments["gcp"].machine
        assert isinstance(cloud, GcpCloud)
        assert isinstance(machine, CloudMachine)
        assert isinstance(balancer, GcpUrlMap)
        assert (cloud.network, cloud.subnetwork) == ("shop-prod", "shop-prod")
        assert balancer.url_map == "shop-prod-web-tier"

        stage = OnGoogle(account=replace(account, spec=cloud), logs=folder, service=service, balancer=balancer)
        assert stage.roll("1").state is RunState.DONE
        assert stage.shares == {gcp_stage.OLD: 100}
        assert unchanged(shell, "gcp")
        assert stage.roll("2").state is RunState.DONE
        assert stage.shares == {gcp_stage.NEW: 100}
        assert unchanged(shell, "gcp")
