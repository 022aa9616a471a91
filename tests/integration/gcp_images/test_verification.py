"""An image of an emulated Google Cloud is proven by one machine, which answers as its tests want it."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import CloudError, ToolError
from tests.support.fakes.doubles import FakeClock
from tests.support.real.gcp_image_shop import Shop, program


def test_a_verification_keeps_the_console_and_ends_its_machine(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    shop.emulator.console("shop-x", "systemd[1]: started\n")
    said: list[str] = []
    assert shop.verify(images, image, said) == [
        "boot finished",
        "no failed units",
        "no SSH host keys",
        "no machine id",
        "nothing of the bake left",
        "no keys of the bake",
        "one",
        "two",
    ]
    assert said[-1] == "ok: two"
    assert (shop.directory / "console.log").read_text() == "systemd[1]: started\n"
    assert shop.left() == ["images shop-x"]
    assert images.find(image.id) == image, "verifying alone makes it visible to nobody"


def test_a_machine_that_never_lets_us_in_is_told_with_its_console(shop: Shop, ssh: Path) -> None:
    images = shop.images(clock=FakeClock())
    image = shop.bake(images, shop.request())
    program(ssh, "echo 'Connection refused' >&2\nexit 255")
    shop.emulator.console("shop-x", "Kernel panic\n")
    with pytest.raises(ToolError, match="did not boot so far that its tests could run") as caught:
        shop.verify(images, image)
    assert "Connection refused" in caught.value.details
    assert caught.value.details.endswith("Kernel panic")
    assert shop.left() == ["images shop-x"]


def test_a_verification_without_capacity_leaves_the_image_and_nothing_else(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    shop.emulator.configure(short=(shop.spec.builder_zone,))
    with pytest.raises(CloudError) as caught:
        shop.verify(images, image)
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in caught.value.details
    assert shop.left() == ["images shop-x"]


def test_a_machine_whose_start_was_answered_to_nobody_is_one_machine(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    shop.emulator.forget_calls()
    shop.emulator.lose_answer("instances.insert")
    assert "two" in shop.verify(images, image)
    assert shop.left() == ["images shop-x"]
    assert [call.method for call in shop.emulator.calls()].count("compute.instances.insert") == 2


def test_a_moment_without_answers_ends_no_verification(shop: Shop, ssh: Path) -> None:
    images = shop.images(clock=FakeClock())
    image = shop.bake(images, shop.request())
    shop.emulator.fail("instances.get", status=503, reason="backendError", times=5)
    shop.emulator.fail("instances.delete", status=403, reason="rateLimitExceeded", times=5)
    assert "two" in shop.verify(images, image)
    assert shop.left() == ["images shop-x"]
