"""What EC2 asks of the machines behind its instances, beside what every cloud asks (`tests.emulators.machines`)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulators.machines import kinds
from tests.emulators.machines.kinds import Kind

NAMED = {"light": "tests.emulators.aws.light_machines:LightMachines"}


@dataclass(frozen=True, kw_only=True)
class Launch(kinds.Launch):
    """One machine that is wanted, as RunInstances or an Auto Scaling group asks for it. Its image is an AMI."""

    type: str = "t3.micro"
    region: str = "eu-west-1"
    zone: str = "eu-west-1a"
    user_data: bytes = b""
    """Decoded, as the metadata service of the instance gives it out."""
    key: str = ""
    """The public key of the instance's key pair in OpenSSH's form; empty where it has none."""
    profile: str = ""
    """The ARN of its instance profile; empty where it has none."""
    tokens_only: bool = False
    """Whether its metadata service wants a session token (IMDSv2 only)."""


def kind(name: str) -> Kind:
    """The kind of machines of that name, see `kinds.kind`."""
    return kinds.kind(name, NAMED)
