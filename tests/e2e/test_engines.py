"""Machines under QEMU for real, as groups and as one boot that is watched; and what the probe says of this computer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from phoenix.clouds.local.groups import LocalGroups
from phoenix.clouds.local.image_files import ImageFiles, Manifest, write_manifest
from phoenix.clouds.local.machines import light_trial, probe, remains
from phoenix.clouds.local.machines.lifecycle import run_to_end
from phoenix.clouds.local.machines.machine_files import MachineFiles, read_record
from phoenix.errors import RefusedError, ToolError
from phoenix.model import BootState, Image, ImageType, InstanceState, Machine, Proof
from phoenix.spec.clouds import MachineEngine
from phoenix.tools.cache import cache_directory
from tests.support.real import machines
from tests.support.real.machines import CLOCK, NAME, answer, calm, instances, until

SLOW = 300.0
"""Seconds for an emulated boot on a computer that does other things, too."""


@pytest.fixture
def root(roomy: Path, tmp_path: Path) -> Iterator[Path]:
    root = roomy / "roots" / tmp_path.name
    yield root
    groups = machines.groups_of(root, root, MachineEngine.QEMU)
    for group in groups.list():
        groups.delete(group.name)
    assert machines.left_of(root) == []


@pytest.fixture
def groups(root: Path, bare_images: Path) -> LocalGroups:
    return machines.groups_of(root, bare_images, MachineEngine.QEMU)


def watched(bare_images: Path, directory: Path, user_data: str, deadline: float = SLOW) -> tuple[str, ...]:
    directory.mkdir()
    return run_to_end(
        directory=directory,
        image=ImageFiles(directory=bare_images / "bare"),
        user_data=user_data,
        last_line="boot done",
        machine=Machine(cpus=2, memory=1 << 30),
        accelerator="tcg",
        deadline=deadline,
        clock=CLOCK,
        on_line=lambda _line: None,
        between=calm,
    )


def test_a_virtual_machine_from_its_start_to_its_death(groups: LocalGroups, root: Path) -> None:
    out = "python3 -c \"import urllib.request as u; u.urlopen('http://deb.debian.org/')\"\n"
    groups.create(machines.group(size=1), machines.template(f"{machines.APP}{out}"), between=calm)
    before = remains.marked(root)
    groups.create(machines.group(size=1), machines.template(), between=calm)
    assert remains.marked(root) == before, "twice is once"
    found = instances(groups)[0]
    assert found.engine in ("qemu-kvm", "qemu-tcg")
    until("an answer", partial(answer, found.address), deadline=SLOW)
    assert answer(found.address) == f"hello from {NAME}-1"
    until("the boot work", lambda: instances(groups)[0].boot is not BootState.RUNNING, deadline=SLOW)
    assert instances(groups)[0].boot is BootState.DONE, groups.logs(f"{NAME}-1")["boot"]
    until("the log", lambda: '"GET / HTTP/1.1" 200' in groups.logs(f"{NAME}-1")["service"])
    assert "starting the app" in groups.logs(f"{NAME}-1")["boot"]
    started = read_record(MachineFiles(root=root, group=NAME, name=f"{NAME}-1"))
    assert started
    os.kill(started.processes["machine"].pid, signal.SIGKILL)
    until("its death", lambda: instances(groups)[0].state is InstanceState.DEAD)
    groups.create(machines.group(size=1), machines.template(), between=calm)
    assert instances(groups)[0].state is InstanceState.DEAD, "a dead machine is not started again"
    groups.delete(NAME)
    groups.delete(NAME)
    assert machines.left_of(root) == []


@pytest.mark.parametrize("sign", ["seed.iso", "qemu.log", "machine.json"])
def test_killed_while_it_creates(groups: LocalGroups, root: Path, bare_images: Path, sign: str) -> None:
    """Phoenix is killed -9 on the way: what it left is swept, creating again works, and nothing leaks."""
    files = MachineFiles(root=root, group=NAME, name=f"{NAME}-1")
    machines.kill_when(files.directory / sign, root, bare_images, MachineEngine.QEMU)
    groups.sweep()
    there = {instance.id for instance in instances(groups)}
    assert {path.name for path in remains.marked(root).values()} == there
    groups.resize(NAME, 1, between=calm)
    assert [instance.id for instance in instances(groups)] == [f"{NAME}-1"]
    assert len(remains.marked(root)) == 1


def test_a_group_of_whole_machines_refuses_an_image_that_was_verified_light(root: Path, tmp_path: Path) -> None:
    files = ImageFiles(directory=tmp_path / "images" / "bare")
    files.tree.mkdir(parents=True)
    image = Image(
        id="bare",
        type=ImageType.OS,
        name="bare",
        cloud="local",
        key="0123",
        parent=None,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        verified=True,
        builder="chroot",
        verified_on=Proof.LIGHT,
    )
    write_manifest(files, Manifest(image=image, made_with={}, seconds={}))
    groups = machines.groups_of(root, tmp_path / "images", MachineEngine.QEMU)
    with pytest.raises(RefusedError, match="light machine only") as caught:
        groups.create(machines.group(size=1), machines.template(), between=calm)
    assert "phoenix bake os bare --cloud local --verify qemu" in caught.value.resolution
    assert groups.list() == ()


def test_a_boot_that_is_watched_to_its_end(bare_images: Path, tmp_path: Path) -> None:
    disk = (bare_images / "bare" / "disk.raw").stat()
    said = watched(
        bare_images, tmp_path / "boot", "/usr/lib/phoenix/report the time is $(date +%Y)\ntouch /etc/written\n"
    )
    assert said[0] == "boot running"
    assert said[-1] == "boot done"
    assert said[1].startswith("the time is 20")
    after = (bare_images / "bare" / "disk.raw").stat()
    assert (after.st_mtime_ns, after.st_size) == (disk.st_mtime_ns, disk.st_size), "the image stays as it is"
    assert not (tmp_path / "boot" / "disk.qcow2").exists()


@pytest.mark.parametrize(
    ("user_data", "said"),
    [
        ("exit 9\n", "boot failed 9"),
        ("echo c > /proc/sysrq-trigger\nsleep 600\n", "Kernel panic - not syncing: sysrq triggered crash"),
        ("systemctl poweroff --force --force\nsleep 600\n", "the machine stopped after: boot running"),
    ],
    ids=["boot work fails", "kernel panics", "machine stops"],
)
def test_certain_failure_ends_the_watch_at_once(bare_images: Path, tmp_path: Path, user_data: str, said: str) -> None:
    with pytest.raises(ToolError, match="did not boot to its end") as error:
        watched(bare_images, tmp_path / "boot", user_data)
    assert said in error.value.details
    assert str(tmp_path / "boot" / "console.log") in error.value.resolution


def test_whether_light_machines_are_fenced_is_tried_alone_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a bake asks first: no virtual machine is started for it."""
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path))
    heard: list[str] = []
    assert [probe.fenced(heard.append), probe.fenced(heard.append)] == [True, True]
    assert heard == ["trying the machine engine light"]


def test_a_trial_that_took_too_long_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another builder would bake every image anew, so nothing is chosen and nothing is remembered."""
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path))
    with monkeypatch.context() as hurried:
        hurried.setattr(light_trial, "DEADLINE", 0.0)
        with pytest.raises(RefusedError, match="nobody can tell whether light machines run here") as caught:
            probe.fenced(lambda _line: None)
    assert "--builder chroot" in caught.value.resolution
    assert probe.fenced(lambda _line: None)


def test_the_probe_tries_each_engine_and_remembers(base_tree: Path) -> None:
    assert base_tree.is_dir(), "its kernel is what virtual machines are tried with"
    heard: list[str] = []
    engines = {engine.name: engine for engine in probe.probe_engines(heard.append, fresh=True)}
    assert list(engines) == ["qemu-kvm", "light", "qemu-tcg"]
    assert len(heard) == 3
    assert engines["qemu-tcg"].works, engines["qemu-tcg"].detail
    assert engines["light"].works, engines["light"].detail
    assert engines["qemu-kvm"].works or engines["qemu-kvm"].remedy
    again = {engine.name: engine for engine in probe.probe_engines(heard.append)}
    assert {name: again[name] for name in again if again[name].certain} == {
        name: engines[name] for name in engines if engines[name].certain
    }
    assert probe.choose_engine(MachineEngine.LIGHT) == "light"
    assert probe.choose_engine(MachineEngine.QEMU).startswith("qemu-")
    assert probe.choose_engine(MachineEngine.AUTO) == ("qemu-kvm" if engines["qemu-kvm"].works else "light")
    assert list(cache_directory().glob(f"{light_trial.TRIAL}{os.getpid()}-*")) == []
