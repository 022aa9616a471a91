"""The way into a machine of a bake: a key of its own that its user-data lets in, and a security group for SSH alone.

No key pair is made in AWS. Both are the bake's own: who names security groups in phoenix.yaml, or reaches machines by
Session Manager, needs no group of ours, or one that lets nobody in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clouds import bakers
from phoenix.clouds.aws import labels
from phoenix.errors import RefusedError
from phoenix.spec.clouds import AwsReach
from phoenix.tools.process import Command, require, run

if TYPE_CHECKING:
    from phoenix.clouds.aws.calls import Calls
    from phoenix.spec.clouds import AwsCloud

KEY_COMMENT = "phoenix-builder"
"""By it the role `seal` finds the key in authorized_keys and takes it out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WayIn:
    """`key`: a private key's file. `user_data` lets it in. `groups`: the machine's security groups."""

    key: Path
    user_data: str
    groups: tuple[str, ...]


def subnet(cloud: AwsCloud) -> str:
    """Where machines of bakes start. RefusedError where phoenix.yaml names no subnet."""
    found = cloud.builder.subnet or next(iter(cloud.subnets), None)
    if found is None:
        raise RefusedError(
            f"the cloud '{cloud.name}' has no subnet for the machine that images are built on",
            details="neither builder.subnet nor subnets names one",
            resolution="Name one in phoenix.yaml.",
        )
    return found


def refuse_unreachable(cloud: AwsCloud) -> None:
    """RefusedError where machines are to be reached by Session Manager, and have nothing that lets them speak to it."""
    if cloud.builder.reach is AwsReach.SSM and not cloud.builder.profile:
        raise RefusedError(
            f"machines of bakes on '{cloud.name}' cannot be reached by Session Manager",
            details="builder.reach is ssm, and builder.profile names no instance profile: its role has to have the "
            "policy AmazonSSMManagedInstanceCore",
            resolution="Name one in phoenix.yaml, or another reach.",
        )


def make(calls: Calls, cloud: AwsCloud, tags: Mapping[str, str], directory: Path, log: Path) -> WayIn:
    """A way into a machine that is to be started with `tags`. The key is put into `directory`, which is private.

    The security group can only go after the machine (`remains`).
    """
    key = directory / "key"
    argv = (require("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-C", KEY_COMMENT, "-f", str(key))
    run(Command(argv=argv), timeout=60, log=log)
    user_data = lets_in(key.with_suffix(".pub").read_text().strip())
    return WayIn(key=key, user_data=user_data, groups=cloud.builder.firewall or (_group(calls, cloud, tags),))


def lets_in(public_key: str) -> str:
    """What cloud-init does before sshd starts: root may log in with the key. JSON is YAML, too.

    The machine ends itself when no bake can still need it, whatever has become of phoenix.
    """
    end = f"systemd-run --quiet --on-active={int(bakers.LONGEST // 60)}m systemctl poweroff || true"
    wishes = {"disable_root": False, "ssh_authorized_keys": [public_key], "runcmd": [["sh", "-c", end]]}
    return f"#cloud-config\n{json.dumps(wishes, indent=1)}\n"


def _group(calls: Calls, cloud: AwsCloud, tags: Mapping[str, str]) -> str:
    """A security group that lets in SSH, and nothing where Session Manager goes out for it."""
    where = calls.ask("ec2", "describe_subnets", SubnetIds=[subnet(cloud)])["Subnets"][0]
    group: str = calls.ask(
        "ec2",
        "create_security_group",
        GroupName=f"phoenix-{tags[labels.ROLE]}-{tags[labels.IMAGE]}-{tags[labels.BAKER].rpartition('/')[2]}",
        Description="a machine of a bake",
        VpcId=where["VpcId"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": labels.written(tags)}],
    )["GroupId"]
    if cloud.builder.reach is not AwsReach.SSM:
        ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        calls.ask("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=[ssh])
    return group
