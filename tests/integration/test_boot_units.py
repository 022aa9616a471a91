"""What packages bring is started by boot work, whatever kind of unit it is; on a light machine with its own systemd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from phoenix.clouds.local.groups import LocalGroups
from phoenix.execute.boot_work import boot_script
from phoenix.execute.perform.watch import KEPT
from phoenix.model import BootState, ImageType, Release
from phoenix.spec.clouds import MachineEngine
from phoenix.tools import apt_index
from phoenix.tools.render import Renderer
from tests.support.real import machines, unit_debs
from tests.support.real.machines import NAME, answer, calm, instances, until
from tests.support.real.repository_bench import Bench, bench

AS_THE_IMAGE = "echo 'as the image has it' > /etc/sockets.conf\n"
WAIT = """
for _ in $(seq 200); do
    missing=
    for unit in {started}; do
        systemctl is-active -q "$unit" || missing="$missing $unit"
    done
    for file in /run/ticked /run/seen /run/ancient; do
        [ -e "$file" ] || missing="$missing $file"
    done
    [ -n "$missing" ] || break
    sleep 0.1
done
for unit in {not_started}; do
    ! systemctl is-active -q "$unit" || missing="$missing not-$unit"
done
echo "missing:$missing"
[ -z "$missing" ]
"""
"""Run before the machine's boot work ends: on a cloud nothing else comes after it."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


@pytest.fixture
def groups(roomy: Path, tmp_path: Path, bare_images: Path, shop: Bench) -> Iterator[LocalGroups]:
    root = roomy / "roots" / tmp_path.name
    port = int(shop.spec.url.rpartition(":")[2])
    made = machines.groups_of(root, bare_images, MachineEngine.LIGHT, machines.PROJECT, port)
    yield made
    made.delete(NAME)
    assert machines.left_of(root) == []


def booted(groups: LocalGroups) -> str:
    """What the boot work of the only machine said, when it has ended."""
    ended = (BootState.DONE, BootState.FAILED)
    until("the end of the boot work", lambda: instances(groups)[0].boot in ended, deadline=120)
    until("its log", lambda: "missing:" in groups.logs(f"{NAME}-1")["boot"])
    said = groups.logs(f"{NAME}-1")["boot"]
    assert instances(groups)[0].boot is BootState.DONE, said
    return said


def wanted(script: str) -> str:
    checks = WAIT.format(started=" ".join(unit_debs.STARTED), not_started=" ".join(unit_debs.NOT_STARTED))
    return f"{script}\ntrap - EXIT\n{checks}"


def published(shop: Bench) -> Release:
    enable = "#!/bin/sh\nsystemctl enable -q needed.service shy.service\n"
    needed = unit_debs.make(shop.directory, "needed", "1.0", unit_debs.NEEDED, postinst=enable)
    sockets = unit_debs.make(
        shop.directory, "sockets", "1.0", unit_debs.SOCKETS, postinst=unit_debs.POSTINST, depends="needed"
    )
    shop.publish(needed, sockets)
    packages = apt_index.resolve(shop.here, [("sockets", None)])
    here = replace(shop.here, url=shop.spec.url.replace("127.0.0.1", "10.0.2.2"))
    return Release(image="i", image_ref="r", packages=packages, repositories=(here,))


def test_every_unit_that_the_packages_enable_is_started(groups: LocalGroups, shop: Bench) -> None:
    script = boot_script(published(shop), ImageType.FOUNDATION, Renderer().render)
    groups.create(machines.group(size=1), machines.template(AS_THE_IMAGE + wanted(script)), between=calm)
    said = booted(groups)
    kept = "phoenix-boot: kept: /etc/sockets.conf, of the image; that of the package is /etc/sockets.conf.dpkg-dist\n"
    assert kept in said
    assert "phoenix-boot: not started: shy.service\n" in said, "a boot goes on without it"
    assert KEPT.findall(said) == ["/etc/sockets.conf"], "so it gets into the last line of a roll"
    until("an answer", partial(answer, instances(groups)[0].address))
    assert answer(instances(groups)[0].address) == "served by a socket"
