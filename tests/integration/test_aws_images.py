"""Bakes on an emulated AWS with the real Packer, and what goes wrong with them: nothing is left that costs money."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from phoenix.clock import Clock
from phoenix.clouds.api import BakeRequest
from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.images import AwsImages
from phoenix.errors import CloudError, RefusedError, ToolError
from phoenix.model import Image, Package, Proof
from phoenix.spec import clouds
from phoenix.spec.clouds import AwsBuilder, AwsCloud, AwsReach
from tests.emulators.aws import Emulator
from tests.support.fakes.doubles import FakeClock
from tests.support.real.bakes import BASE, PARENT, Bakes
from tests.support.real.machines import until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELLO = Package(name="hello", version="2.10-3", sha256="0123456789abcdef" * 4, repository="main")
SAY_OK = r'sed -n "s/^echo \"trial \([0-9]*\) .*/trial \1 0 /p"'
"""A shell script: whatever is tried has gone well."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The project `shop` in the emulated account."""

    emulator: Emulator
    spec: AwsCloud
    directory: Path

    def images(self, spec: AwsCloud | None = None, clock: Clock | None = None) -> AwsImages:
        """As a process of its own sees them."""
        return AwsImages("shop", spec or self.spec, Calls(spec or self.spec), clock)

    def request(self, name: str = "x", *, parent: str | None = PARENT, doing: str = "") -> BakeRequest:
        """For the image `shop-NAME`."""
        bakes = Bakes(project="shop", spec=self.spec, directory=self.directory)
        return bakes.request(f"shop-{name}", parent=parent, created=NOON, packages=(HELLO,), doing=doing)

    def bake(self, images: AwsImages, request: BakeRequest) -> Image:
        """Build it, without a word."""
        return images.build(request, log=self.directory / "build.log", say=lambda _line: None, between=lambda: None)

    def verify(self, images: AwsImages, image: Image, said: list[str] | None = None) -> list[str]:
        """Verify it by two tests of its own; the names of all tests that went well."""
        hear = (said if said is not None else []).append
        log = self.directory / "verification.log"
        results = images.verify(image, ("one", "two"), on=Proof.QEMU, log=log, say=hear, between=lambda: None)
        return [test.name for test in results if test.ok]

    def left(self) -> list[str]:
        """What is there that somebody pays for, or stands in somebody's way, but for the world's own."""
        ec2 = boto3.client("ec2", region_name=self.spec.region)
        machines = [m for r in ec2.describe_instances()["Reservations"] for m in r["Instances"]]
        found = [machine["InstanceId"] for machine in machines if machine["State"]["Name"] != "terminated"]
        groups = (group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"])
        found += [name for name in groups if name not in ("default", "machines")]
        amis = (ami["Name"] for ami in ec2.describe_images(Owners=["self"])["Images"])
        found += [name for name in amis if name != "phoenix-os-debian-12"]
        snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        found += [each["SnapshotId"] for each in snapshots if "CreateImage" in each["Description"]]
        found += [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]]
        return found + [volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]]

    def tags(self, image: Image) -> dict[str, str]:
        """Those of its AMI."""
        ec2 = boto3.client("ec2", region_name=self.spec.region)
        (found,) = ec2.describe_images(ImageIds=[self.images().whereabouts(image.id)["ami"]])["Images"]
        return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


@pytest.fixture
def shop(emulator: Emulator, tmp_path: Path) -> Shop:
    world = emulator.world("shop")
    spec = AwsCloud(name="aws", region=world.region, subnets=world.subnets, tags={"cost centre": "42"})
    return Shop(emulator=emulator, spec=spec, directory=tmp_path)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `ssh` to whose machine everything goes well; a test may write another one."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{SAY_OK}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


def test_a_layer_on_the_vendors_image_and_what_it_costs_to_know_it_is_there(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request(parent=None))
    assert (image.parent, image.packages, image.verified) == (None, (HELLO,), False)
    assert shop.left()[0] == "shop-x"
    assert len(shop.left()) == 2, "the AMI and its snapshot"
    assert shop.tags(image).items() >= {"cost centre": "42", "phoenix:role": "unproven"}.items()
    assert "boot finished" in shop.verify(images, image)
    proven = images.mark_verified(image, (), on=Proof.QEMU)
    assert len(shop.left()) == 2

    another = shop.images(clock=FakeClock())
    shop.emulator.forget_calls()
    assert proven in another.list()
    assert another.find(image.id) == proven
    assert another.sweep() == ()
    calls = [call.action for call in shop.emulator.calls()]
    assert calls.count("DescribeImages") == 1, "a bake that is a hit asks once"
    assert set(calls) <= {"DescribeImages", "DescribeTags"}
    images.delete(image.id)
    assert shop.left() == []


def test_everything_that_is_made_is_tagged_as_it_is_made(shop: Shop, ssh: Path) -> None:
    """Policies deny what is not. Packer before 1.10 tags the AMI alone after it was made."""
    images = shop.images()
    image = shop.bake(images, shop.request())
    shop.verify(images, image)
    makes = [call for call in shop.emulator.calls() if call.action in ("RunInstances", "CreateSecurityGroup")]
    assert [call.action for call in makes] == ["CreateSecurityGroup", "RunInstances"] * 2
    for call in makes:
        assert any(name.startswith("TagSpecification") for name in call.parameters), call
    assert {"CreateKeyPair", "ImportKeyPair"}.isdisjoint(call.action for call in shop.emulator.calls())


def test_aws_max_attempts_is_no_word_to_packer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3's variable would have Packer look once for its machine."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    shop.emulator.configure(ami_pending=3.0)
    assert shop.bake(shop.images(), shop.request()).id == "shop-x"


def test_a_builder_that_packer_could_not_end_is_ended(shop: Shop) -> None:
    """It says so and ends well (exit code 0)."""
    shop.emulator.fail("ec2", "TerminateInstances", code="OperationNotPermitted", message="not now")
    shop.bake(shop.images(), shop.request())
    assert len(shop.left()) == 2, "the AMI and its snapshot"
    assert "not now" in (shop.directory / "build.log").read_text()


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("RunInstances", "InsufficientInstanceCapacity"),
        ("CreateImage", "UnauthorizedOperation"),
        ("CreateTags", "UnauthorizedOperation"),
        ("StopInstances", "InternalFailure"),
    ],
)
def test_a_bake_that_aws_refuses_leaves_nothing(shop: Shop, action: str, code: str) -> None:
    shop.emulator.fail("ec2", action, code=code, message="because of the test")
    with pytest.raises(ToolError) as caught:
        shop.bake(shop.images(), shop.request())
    assert "because of the test" in caught.value.details
    assert shop.left() == []


def test_credentials_stand_in_no_log(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-ours")
    shop.bake(shop.images(), shop.request(doing="echo $AWS_SECRET_ACCESS_KEY"))
    log = (shop.directory / "build.log").read_text()
    assert "a-secret-of-ours" not in log
    assert "***" in log


def test_a_bake_with_an_assumed_role_has_keys_of_its_own(shop: Shop) -> None:
    """Those of this process may end while Packer works."""
    assumed = replace(shop.spec, assume_role="arn:aws:iam::123456789012:role/machine")
    images, calls = shop.images(assumed), Calls(assumed)
    one, other = calls.environment(), calls.environment()
    assert one["AWS_ACCESS_KEY_ID"] != other["AWS_ACCESS_KEY_ID"]
    assert one["AWS_SESSION_TOKEN"] not in ("", other["AWS_SESSION_TOKEN"])
    shop.bake(images, shop.request())
    assert one["AWS_SESSION_TOKEN"] not in (shop.directory / "build.log").read_text()


def test_a_role_that_may_not_be_assumed_is_told_before_anything_is_made(shop: Shop) -> None:
    images = shop.images(replace(shop.spec, assume_role="arn:aws:iam::123456789012:role/machine"))
    shop.emulator.fail("sts", "AssumeRole", code="AccessDenied", status=403, message="not you", times=9)
    with pytest.raises(CloudError, match="refused") as caught:
        shop.bake(images, shop.request())
    assert "not you" in caught.value.details
    assert shop.left() == []


KILLED = """
import sys
from pathlib import Path
from tests.integration.test_aws_images import Shop
from tests.emulators.aws import Emulator
from phoenix.spec.clouds import AwsCloud
spec = AwsCloud(name="aws", region="eu-west-1", subnets=(sys.argv[1],), tags={"cost centre": "42"})
shop = Shop(emulator=Emulator(), spec=spec, directory=Path(sys.argv[2]))
shop.bake(shop.images(), shop.request(doing=sys.argv[3]))
"""


def killed(shop: Shop, *, at: str, doing: str = "") -> None:
    """Bake in a process that is killed as soon as the log says so."""
    words = (shop.spec.subnets[0], str(shop.directory), doing)
    baker = subprocess.Popen([sys.executable, "-c", KILLED, *words], cwd=Path(__file__).parents[2])
    log = shop.directory / "build.log"
    try:
        until(at, lambda: log.exists() and at in log.read_text())
    finally:
        baker.send_signal(signal.SIGKILL)
        baker.wait()
    until("the end of all that it had started", lambda: not working_in(shop.directory), deadline=20)


def working_in(directory: Path) -> list[str]:
    """The processes whose working directory is below this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(process.joinpath("cwd").readlink()).startswith(str(directory)):
                found.append(process.name)
    return found


def test_what_a_killed_bake_leaves_the_next_one_finds(shop: Shop) -> None:
    killed(shop, at="Running local shell script", doing="sleep 20")
    assert [left[:2] for left in shop.left()] == ["i-", "ph", "vo"], "machine, security group, disk"
    found = " ".join(shop.images().sweep())
    assert "the machine i-" in found
    assert "the security group sg-" in found
    assert shop.left() == []
    assert shop.images().sweep() == ()
    assert shop.bake(shop.images(), shop.request()).id == "shop-x"


def test_an_ami_that_a_killed_bake_did_not_tag_is_found(shop: Shop) -> None:
    """Packer before 1.10 tags it when it is available."""
    shop.emulator.configure(ami_pending=3600)
    killed(shop, at="Waiting for AMI to become ready")
    assert "shop-x" in shop.left()
    assert "the AMI ami-" in " ".join(shop.images().sweep())
    assert shop.left() == []


def test_the_way_back_of_a_bake_that_died_takes_what_it_left(shop: Shop) -> None:
    killed(shop, at="Running local shell script", doing="sleep 20")
    shop.images().discard("shop-x")
    assert shop.left() == []


def test_a_live_bake_of_another_computer_is_left_until_its_time_is_over(shop: Shop) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    ec2 = boto3.client("ec2", region_name=shop.spec.region)
    where = images.whereabouts(image.id)
    elsewhere = [{"Key": "phoenix:baker", "Value": "another-boot.1/2/3/4"}]
    ec2.create_tags(Resources=[where["ami"], where["snapshots"]], Tags=elsewhere)
    assert shop.images().sweep() == ()
    with pytest.raises(CloudError, match="is being worked on"):
        shop.images().delete(image.id)
    with pytest.raises(CloudError, match="is being worked on"):
        shop.bake(shop.images(), shop.request())
    began = (datetime.now(UTC) - timedelta(minutes=91)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ec2.create_tags(Resources=[where["ami"], where["snapshots"]], Tags=[{"Key": "phoenix:since", "Value": began}])
    assert len(shop.images().sweep()) == 2
    assert shop.left() == []


def test_another_projects_things_are_never_touched(shop: Shop) -> None:
    image = shop.bake(shop.images(), shop.request())
    other = AwsImages("another", shop.spec, Calls(shop.spec))
    assert other.list() == ()
    assert other.find(image.id) is None
    other.delete(image.id)
    other.discard(image.id)
    assert other.sweep() == ()
    assert len(shop.left()) == 2


def test_a_verification_keeps_the_console_and_ends_its_machine(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    shop.emulator.console(images.whereabouts(image.id)["ami"], "systemd[1]: started\n")
    said: list[str] = []
    names = shop.verify(images, image, said)
    assert names == [
        "boot finished",
        "no failed units",
        "no SSH host keys",
        "no machine id",
        "nothing of the bake left",
        "one",
        "two",
    ]
    assert said[-1] == "ok: two"
    assert (shop.directory / "console.log").read_text() == "systemd[1]: started\n"
    assert len(shop.left()) == 2, "the AMI and its snapshot"
    assert images.find(image.id) == image, "verifying alone makes it visible to nobody"


def test_a_machine_that_never_lets_us_in_is_told_with_its_console(shop: Shop, ssh: Path) -> None:
    images = shop.images(clock=FakeClock())
    image = shop.bake(images, shop.request())
    ssh.write_text("#!/bin/sh\necho 'Connection refused' >&2\nexit 255\n")
    shop.emulator.console(images.whereabouts(image.id)["ami"], "Kernel panic\n")
    with pytest.raises(ToolError, match="did not boot so far that its tests could run") as caught:
        shop.verify(images, image)
    assert "Connection refused" in caught.value.details
    assert caught.value.details.endswith("Kernel panic")
    assert len(shop.left()) == 2, "the AMI and its snapshot"


def test_a_verification_without_capacity_leaves_the_image_and_nothing_else(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    shop.emulator.fail("ec2", "RunInstances", code="InsufficientInstanceCapacity", message="none")
    with pytest.raises(CloudError, match="refused ec2 run_instances"):
        shop.verify(images, image)
    assert len(shop.left()) == 2, "the AMI and its snapshot"


def test_a_machine_whose_start_was_answered_to_nobody_is_one_machine(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    shop.emulator.forget_calls()
    shop.emulator.fail("ec2", "RunInstances", lost=True)
    assert "two" in shop.verify(images, image)
    assert len(shop.left()) == 2, "the AMI and its snapshot"
    assert [call.action for call in shop.emulator.calls()].count("RunInstances") == 2


def test_a_moment_without_answers_ends_no_verification(shop: Shop, ssh: Path) -> None:
    images = shop.images(clock=FakeClock())
    image = shop.bake(images, shop.request())
    for action in ("DescribeInstances", "TerminateInstances", "DeleteSecurityGroup"):
        shop.emulator.fail("ec2", action, code="RequestLimitExceeded", status=503, times=5)
    assert "two" in shop.verify(images, image)
    assert len(shop.left()) == 2, "the AMI and its snapshot"


def test_an_image_ages_where_phoenix_yaml_says_so(shop: Shop) -> None:
    spec = replace(shop.spec, images=clouds.AwsAmis(deprecate_after=90 * 86400.0))
    images = shop.images(spec)
    image = shop.bake(images, shop.request())
    assert "EnableImageDeprecation" not in [call.action for call in shop.emulator.calls()]
    images.mark_verified(image, (), on=Proof.QEMU)
    assert "EnableImageDeprecation" in [call.action for call in shop.emulator.calls()]


def test_what_cannot_be_done_is_refused_before_anything_is_made(shop: Shop) -> None:
    unreachable = shop.images(replace(shop.spec, builder=AwsBuilder(reach=AwsReach.SSM)))
    with pytest.raises(RefusedError, match="Session Manager"):
        shop.bake(unreachable, shop.request())
    small = shop.images(replace(shop.spec, builder=AwsBuilder(disk=1 << 30)))
    with pytest.raises(RefusedError, match="smaller than the image below"):
        shop.bake(small, shop.request())
    with pytest.raises(CloudError, match="the image shop-gone is gone"):
        shop.bake(shop.images(), shop.request(parent="shop-gone"))
    assert shop.left() == []


def test_the_base_is_the_newest_and_a_part_of_what_is_baked(shop: Shop) -> None:
    plain = shop.images().base(BASE)
    assert plain == f"{shop.emulator.world('shop').base_image}, encrypted by the key of EBS"
    keyed = replace(shop.spec, images=clouds.AwsAmis(kms="alias/shop"), builder=AwsBuilder(disk=20 << 30))
    assert shop.images(keyed).base(BASE) == plain.replace("the key of EBS", "alias/shop") + f", {20 << 30} bytes"


def test_a_bake_starts_from_the_base_that_its_key_counts(shop: Shop) -> None:
    """Whatever the vendor has published since it was planned."""
    planned = shop.images().base(BASE)
    request = replace(shop.request(parent=None), base=planned)
    shop.bake(shop.images(), request)
    asked = [call for call in shop.emulator.calls() if call.action == "RunInstances"]
    assert len(asked) == 1
    ec2 = boto3.client("ec2", region_name=shop.spec.region)
    (machine,) = [m for r in ec2.describe_instances()["Reservations"] for m in r["Instances"]]
    assert machine["ImageId"] == planned.partition(",")[0]


def test_every_image_is_booted(shop: Shop) -> None:
    images = shop.images()
    assert images.proof(lambda _line: None) is Proof.QEMU
    image = shop.bake(images, shop.request())
    images.refuse_unproven(replace(image, verified_on=Proof.QEMU))
    with pytest.raises(RefusedError, match="not verified on a whole machine"):
        images.refuse_unproven(replace(image, verified_on=Proof.LIGHT))
