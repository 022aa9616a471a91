"""What stands on a computer before a roll and after its service was taken out of phoenix.yaml: balancers, addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phoenix.clouds.local.group_files import GroupFiles, GroupRecord
from phoenix.errors import RefusedError
from phoenix.model import Group, Health, LaunchTemplate, Machine, Release
from phoenix.tools import listeners
from tests.support.fakes.desk import PLAYBOOK, PROJECT
from tests.support.real.balancers import World, healthy, shift, world_in
from tests.support.real.instant import machines
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell

pytestmark = pytest.mark.timeout(120)
GONE = "gone-local-v001"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


def listening(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_server((host, int(port)))


def test_a_free_address_and_our_own_balancer_are_usable(world: World) -> None:
    traffic = world.traffic()
    traffic.check()
    traffic.attach(world.group("web-local-v001"))
    traffic.check()
    world.kill()
    traffic.check()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_stranger_at_the_address_is_named(world: World, host: str) -> None:
    port = world.listen.rpartition(":")[2]
    with listening(f"{host}:{port}"):
        with pytest.raises(RefusedError, match=world.listen) as caught:
            world.traffic().check()
        assert f"(process {os.getpid()})" in caught.value.details
        with pytest.raises(RefusedError, match=world.listen) as attached:
            world.traffic().attach(world.group("web-local-v001"))
        assert f"(process {os.getpid()})" in attached.value.details


def test_another_address_in_the_file_is_looked_at_too(world: World) -> None:
    world.traffic().attach(world.group("web-local-v001"))
    with listening(f"127.0.0.1:{free_port()}") as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(RefusedError, match=taken):
            world.traffic(listen=taken).check()


@pytest.mark.parametrize("address", ["198.51.100.7:80", "127.0.0.1:99999"])
def test_an_address_that_is_none_of_this_computer(address: str) -> None:
    assert listeners.why_not(address)
    assert listeners.holder(address) == ""


def test_an_address_that_was_just_given_up_is_free() -> None:
    with listening(f"127.0.0.1:{free_port()}") as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()  # first, so that this side keeps the port for a while
        client.close()
        assert listeners.why_not(address)
    assert listeners.why_not(address) == ""


def group(name: str, project: str) -> GroupRecord:
    template = LaunchTemplate(image="image-1", machine=Machine(), port=8080, health=Health(), user_data="")
    of = Group(
        name=name,
        project=project,
        service="gone",
        environment="local",
        release=Release(image="image-1", image_ref="foundation/nodejs@0123"),
        size=0,
        created=datetime.now(UTC),
    )
    return GroupRecord(group=of, template=template, engine="light")


@pytest.fixture
def project(tmp_path: Path) -> Shell:
    (tmp_path / "playbooks").mkdir()
    for name in ("base.yml", "stack.yml"):
        (tmp_path / "playbooks" / name).write_text(PLAYBOOK)
    (tmp_path / "phoenix.yaml").write_text(PROJECT.format(url=f"http://127.0.0.1:{free_port()}"))
    return Shell(directory=tmp_path)


def test_a_roll_is_refused_before_it_begins_where_a_stranger_has_the_address(project: Shell) -> None:
    with listening("127.0.0.1:0") as stranger:
        spec = project.directory / "phoenix.yaml"
        spec.write_text(spec.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{stranger.getsockname()[1]}"))
        for command in ("roll", "rollback"):
            error = project.run(command, "web-tier", code=3)["error"]
            assert f"(process {os.getpid()})" in error["details"]
    assert project.run("run", "list")["runs"] == []


def test_one_group_that_cannot_be_read_does_not_keep_the_rest_from_being_tended(project: Shell) -> None:
    damaged = project.directory / ".phoenix" / "local" / "groups" / GONE
    damaged.mkdir(parents=True)
    (damaged / "group.json").write_text("{")
    error = project.run("tend", code=5)["error"]
    assert str(damaged) in error["details"]


@pytest.mark.parametrize(("owner", "ours"), [("hello", True), ("another", False)])
def test_down_stops_what_phoenix_yaml_no_longer_has_and_nothing_of_others(
    project: Shell, owner: str, ours: bool
) -> None:
    root = project.directory / ".phoenix" / "local"
    with machines() as started:
        world = World(directory=root / "balancer" / owner / "gone-local", started=started)
        traffic = world.traffic()
        try:
            GroupFiles(root).write(group(GONE, owner))
            traffic.attach(world.group(GONE))
            healthy(traffic, GONE, 1)
            shift(traffic, {GONE: 100})
            named = [each for each in project.run("down", "--plan")["plan"] if "gone" in each]
            assert len(named) == (2 if ours else 0), named
            assert project.run("tend")["did"] == [], "it serves"
            project.run("down", "--yes")
            assert traffic.is_running() is not ours
            assert GroupFiles(root).names() == ([] if ours else [GONE])
        finally:
            traffic.stop()
