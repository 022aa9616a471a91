"""The exact command lines of machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix.model import Machine
from phoenix.tools import loopback, mounts, qemu, runc, slirp, socket_proxy


def machine(accelerator: str) -> qemu.VirtualMachine:
    directory = Path("/cloud/groups/web/instances/web,1")
    return qemu.VirtualMachine(
        directory=directory,
        kernel=Path("/images/a/vmlinuz"),
        initrd=Path("/images/a/initrd"),
        disk=directory / "disk.qcow2",
        seed=directory / "seed.iso",
        machine=Machine(cpus=2, memory=768 << 20),
        accelerator=accelerator,
        forwards=((40001, 8080),),
    )


def test_qemu() -> None:
    command = qemu.build_command(machine("tcg"), {"PHOENIX_MACHINE": "x"})
    line = str(command)
    assert command.environment == {"PHOENIX_MACHINE": "x"}
    assert command.cwd == machine("tcg").directory
    assert "-accel tcg -cpu qemu64 -smp 2 -m 768M" in line
    assert "hostfwd=tcp:127.0.0.1:40001-:8080" in line
    assert "file=/cloud/groups/web/instances/web,,1/disk.qcow2,format=qcow2" in line, "a comma ends a value"
    assert "mitigations=off" in line
    append = command.argv[command.argv.index("-append") + 1]
    assert len(append) < 2048, "what a kernel takes"
    accelerated = str(qemu.build_command(machine("kvm"), {}))
    assert "-accel kvm -cpu host" in accelerated
    assert "mitigations" not in accelerated


def test_runc() -> None:
    container = runc.Container(
        id="0123-web-1",
        directory=Path("/cloud/web-1"),
        hostname="web-1",
        tree=Path("/images/a/tree"),
        machine=Machine(cpus=2, memory=256 << 20),
    )
    config = runc.config(container)
    assert json.loads(json.dumps(config)) == config
    assert config["linux"]["cgroupsPath"] == "/phoenix/0123-web-1"
    assert config["linux"]["resources"]["memory"]["limit"] == 256 << 20
    assert config["linux"]["resources"]["cpu"] == {"period": 100_000, "quota": 200_000}
    assert {"type": "network"} in config["linux"]["namespaces"], "a new one, that ends with the machine"
    assert "/proc/sys" in config["linux"]["readonlyPaths"], "the host's kernel is not the machine's to tune"
    bound = {mount["source"]: mount["options"] for mount in config["mounts"] if mount["type"] == "bind"}
    assert bound == {"/mnt/shared": ["bind", "rw"], "/mnt/shared/seed": ["bind", "ro"]}, "owners shifted"
    assert config["root"] == {"path": "/mnt/root"}, "a place that the machine's root may pass through"
    assert {"type": "user"} in config["linux"]["namespaces"]
    assert config["linux"]["uidMappings"] == config["linux"]["gidMappings"]
    (users,) = config["linux"]["uidMappings"]
    assert (users["containerID"], users["hostID"], users["size"]) == (0, container.first_user, 1 << 20)
    assert users["hostID"] >= 0x70000000, "nobody's on this computer"
    assert config["linux"]["resources"]["pids"]["limit"] == 4096
    created = runc.create_command(container, {"PHOENIX_MACHINE": "/cloud/web-1"})
    assert created.environment == {"PHOENIX_MACHINE": "/cloud/web-1"}
    assert created.argv[-2:] == ("0123-web-1", "/cloud/web-1/runc.log")
    started = runc.start_command(container, {})
    assert started.argv[1:] == ("--root", "/cloud/web-1/runc", "start", "0123-web-1")


def test_an_open_machine_has_no_users_of_its_own() -> None:
    container = runc.Container(
        id="0123-web-1",
        directory=Path("/cloud/web-1"),
        hostname="web-1",
        tree=Path("/images/a/tree"),
        machine=Machine(),
        fenced=False,
    )
    config = runc.config(container)
    assert config["root"] == {"path": "/cloud/web-1/root"}
    assert {"type": "user"} not in config["linux"]["namespaces"]
    assert "uidMappings" not in config["linux"]


@pytest.mark.parametrize(
    ("tree", "directory", "place"),
    [
        ("/images/a/tree", "/cloud/web-1", "/mnt"),
        ("/images/a/tree", "/mnt/web-1", "/srv"),
        ("/srv/images/a/tree", "/mnt/web-1", "/media"),
        ("/mnt-of-mine/a/tree", "/cloud/web-1", "/mnt"),
    ],
)
def test_the_scaffold_covers_nothing_that_is_mounted(tree: str, directory: str, place: str) -> None:
    assert mounts.scaffold(Path(tree), Path(directory)) == Path(place)


def test_ways_in_and_out() -> None:
    out = slirp.build_command("/proc/1/fd/9", 5, {})
    fence = ("--disable-host-loopback", "--enable-sandbox", "--enable-seccomp")
    assert out.argv[1:5] == ("--mount", "--propagation", "private", "--")
    assert out.argv[6:] == ("--mtu=65520", *fence, "--ready-fd=5", "--netns-type=path", "/proc/1/fd/9", "tap0")
    way_in = socket_proxy.build_command(12, "10.0.2.100:8080", {}, network_of=77)
    assert way_in.argv[0] == "bash", "in Debian's sh a descriptor has one digit"
    assert way_in.argv[4] == "12"
    assert way_in.argv[6:8] == ("--net=/proc/77/ns/net", "--")
    assert way_in.argv[-1] == "10.0.2.100:8080"
    way_back = socket_proxy.build_command(13, "127.0.0.1:9999", {})
    assert not any("--net" in word for word in way_back.argv), "it connects from this computer's own network"


def test_where_no_place_is_free_that_is_told() -> None:
    with pytest.raises(OSError, match="one of them has to be free to be covered"):
        mounts.scaffold(*(Path(place) / "busy" for place in mounts.SCAFFOLDS))


@pytest.mark.parametrize(
    ("environment", "ports"),
    [
        ({}, ()),
        ({"http_proxy": "http://127.0.0.1:3128", "HTTPS_PROXY": "localhost:3129"}, (3128, 3129)),
        ({"http_proxy": "http://proxy.example.org:3128"}, ()),
        ({"http_proxy": "http://localhost:port", "https_proxy": "http://[::1"}, ()),
        ({"http_proxy": "http://127.0.0.1:99999", "https_proxy": "https://127.0.0.1"}, (443,)),
    ],
)
def test_proxies_here_are_known_and_nonsense_is_passed_over(
    environment: dict[str, str], ports: tuple[int, ...]
) -> None:
    assert loopback.proxies(environment) == ports
