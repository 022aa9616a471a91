"""A cloud's shipped ground, laid by a real Terraform in an emulated world."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulators.terraform import command
from tests.emulators.terraform.command import Terraform
from tests.emulators.terraform.server import served
from tests.emulators.terraform.world import World
from tests.support.real.terraform import RealTerraform

PROVIDERS = {"aws": "aws", "gcp": "google"}
VARIABLES: dict[str, dict[str, Any]] = {
    "aws": {
        "project": "hello",
        "name": "hello-prod",
        "region": "eu-west-1",
        "zones": ["eu-west-1a", "eu-west-1b"],
        "secrets": ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-*"],
        "operators": ["arn:aws:iam::123456789012:role/jenkins"],
        "builder_clients": ["198.51.100.7/32"],
    },
    "gcp": {
        "project": "acme-prod",
        "name": "hello-prod",
        "region": "us-central1",
        "secrets": ["prod-db"],
        "operators": ["serviceAccount:jenkins@acme-ci.iam.gserviceaccount.com"],
    },
}


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A root, what it is in, and who works on it."""

    cloud: str
    terraform: Terraform
    world: World

    @property
    def modules(self) -> Path:
        """The directory that has roots and modules."""
        return self.terraform.root.parent


@contextmanager
def ready(cloud: str) -> Iterator[Ground]:
    """The root of a cloud with its variables, initialised; nothing is made yet."""
    with tempfile.TemporaryDirectory(prefix="ground-") as name:  # short: sockets are in it
        folder, world = Path(name), World()
        root = command.ground(folder / "terraform", cloud, VARIABLES[cloud])
        with served(folder, {PROVIDERS[cloud]: world}) as led:
            environment = {**command.environment(folder), **led}
            terraform = Terraform(
                program=str(RealTerraform.install(folder).program), root=root, environment=environment
            )
            terraform.must("init", "-no-color", "-input=false")
            yield Ground(cloud=cloud, terraform=terraform, world=world)
