"""What bakes that died left on an emulated Google Cloud: found by their labels, and removed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.calls import Calls
from phoenix.clouds.gcp.images import GcpImages
from phoenix.errors import CloudError
from phoenix.model import Proof
from tests.support.real.gcp_image_shop import Shop
from tests.support.real.machines import until

KILLED = """
import sys
from pathlib import Path
from tests.support.real.gcp_image_shop import Shop
from tests.emulators.gcp import Emulator
from phoenix.spec.clouds import GcpCloud
spec = GcpCloud(name="gcp", project=sys.argv[1], region=sys.argv[2], labels={"cost-centre": "42"})
shop = Shop(emulator=Emulator(), spec=spec, directory=Path(sys.argv[3]))
shop.bake(shop.images(), shop.request(doing=sys.argv[4]))
"""


def killed(shop: Shop, *, at: str, doing: str = "") -> None:
    """Bake in a process that is killed as soon as the log says so."""
    words = (shop.spec.project, shop.spec.region, str(shop.directory), doing)
    baker = subprocess.Popen([sys.executable, "-c", KILLED, *words], cwd=Path(__file__).parents[3])
    log = shop.directory / "build.log"
    try:
        until(at, lambda: log.exists() and at in log.read_text())
    finally:
        baker.send_signal(signal.SIGKILL)
        baker.wait()
    until("the end of all that it had started", lambda: not list(working_in(shop.directory)), deadline=20)


def working_in(directory: Path) -> Iterator[str]:
    """The processes whose working directory is below this one."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(process.joinpath("cwd").readlink()).startswith(str(directory)):
                yield process.name


def test_what_a_killed_bake_leaves_the_next_one_finds(shop: Shop) -> None:
    killed(shop, at="Running local shell script", doing="sleep 20")
    assert [left.partition(" ")[0] for left in shop.left()] == ["instances", "disks"]
    found = shop.images().sweep()
    assert [each.partition(" shop-x-")[0] for each in found] == ["the machine", "the disk"]
    assert shop.left() == []
    assert shop.images().sweep() == ()
    assert shop.bake(shop.images(), shop.request()).id == "shop-x"


@pytest.mark.full
def test_a_disk_and_half_an_image_of_a_killed_bake_are_found_without_its_machine(shop: Shop) -> None:
    shop.emulator.configure(image_pending=3600)
    killed(shop, at="Creating image", doing="sleep 4")
    until("the image", lambda: "images shop-x" in shop.left())
    assert [left.partition(" ")[0] for left in shop.left()] == ["disks", "images"]
    shop.emulator.advance(3600)
    assert [each.partition(" shop-x")[0] for each in shop.images().sweep()] == ["the disk", "the image"]
    assert shop.left() == []


@pytest.mark.full
def test_the_way_back_of_a_bake_that_died_takes_what_it_left(shop: Shop) -> None:
    killed(shop, at="Running local shell script", doing="sleep 20")
    shop.images().discard("shop-x")
    assert shop.left() == []


def test_a_live_bake_of_another_computer_is_left_until_its_time_is_over(shop: Shop) -> None:
    image = shop.bake(shop.images(), shop.request())
    shop.mark(image.id, **{labels.BAKER: "fedcba9876543210_2_3_abcd0123"})
    assert shop.images().sweep() == ()
    with pytest.raises(CloudError, match="is being worked on"):
        shop.images().delete(image.id)
    with pytest.raises(CloudError, match="is being worked on"):
        shop.bake(shop.images(), shop.request())
    shop.mark(image.id, **{labels.SINCE: labels.moment(datetime.now(UTC) - timedelta(minutes=91))})
    assert shop.images().sweep() == ("the image shop-x",)
    assert shop.left() == []


def test_another_projects_things_are_never_touched(shop: Shop) -> None:
    image = shop.bake(shop.images(), shop.request())
    other = GcpImages("another", shop.spec, Calls(shop.spec))
    assert other.list() == ()
    assert other.find(image.id) is None
    other.delete(image.id)
    other.discard(image.id)
    assert other.sweep() == ()
    assert shop.left() == ["images shop-x"]


def test_an_image_that_is_in_use_goes_when_it_no_longer_is(shop: Shop) -> None:
    images = shop.images()
    image = images.mark_verified(shop.bake(images, shop.request()), (), on=Proof.QEMU)
    shop.emulator.fail("images.delete", reason="resourceInUseByAnotherResource", status=400, times=2)
    images.delete(image.id)
    assert shop.left() == []
