"""Groups of real machines for tests: a bare image, a small app as the boot work, and what is left on this computer.

Run as a program it creates a group and ends, or is killed on the way:
`python -m tests.support.real.machines ROOT IMAGES SIZE ENGINE`.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.local.groups import LocalGroups
from phoenix.clouds.local.machines import remains
from phoenix.model import Group, Health, Instance, LaunchTemplate, Machine, Release
from phoenix.spec.clouds import LocalCloud, MachineEngine
from phoenix.wait import Look, Verdict, wait_for

CLOCK = SystemClock()
NAME = "web-local-v001"
PROJECT = "machines"
APP = """\
set -e
mkdir /srv/app
echo "hello from $(hostname)" > /srv/app/index.html
cat > /etc/systemd/system/app.service <<END
[Service]
ExecStart=/usr/bin/python3 -u -m http.server --directory /srv/app 8080
END
echo "starting the app"
systemctl start app
"""
"""The boot work of a machine that answers on port 8080."""


def groups_of(root: Path, images: Path, engine: MachineEngine, project: str = PROJECT, *reach: int) -> LocalGroups:
    """The groups below `root`; their machines reach the loopback ports `reach` of this computer."""
    spec = LocalCloud(name="local", machines=engine, root=root, images=images, mirror="")
    return LocalGroups(project, spec, reach=reach)


def group(*, size: int, name: str = NAME, project: str = PROJECT, settings: tuple[tuple[str, str], ...] = ()) -> Group:
    """A group of the bare image; other `settings` are another release."""
    release = Release(image="bare", image_ref="os/bare@0", settings=settings)
    moment = datetime.now(UTC)
    return Group(
        name=name, project=project, service="web", environment="local", release=release, size=size, created=moment
    )


def template(user_data: str = APP, machine: Machine | None = None) -> LaunchTemplate:
    """What the group's machines start from."""
    return LaunchTemplate(
        image="bare",
        machine=machine or Machine(cpus=1, memory=512 << 20),
        port=8080,
        health=Health(deadline=300),
        user_data=user_data,
    )


def instances(groups: LocalGroups, name: str = NAME) -> tuple[Instance, ...]:
    """The group's instances, freshly read."""
    found = groups.find(name)
    return found.instances if found else ()


def calm() -> None:
    """What there is to do between two steps: nothing."""


def until(what: str, true: object, *, deadline: float = 60.0, interval: float = 0.05) -> None:
    """Wait until `true()` is, looking every `interval` seconds."""
    assert callable(true)

    def look() -> Look:
        seen = true()
        return Look(verdict=Verdict.PASS if seen else Verdict.UNKNOWN, seen=repr(seen))

    wait_for(what, look, clock=CLOCK, deadline=deadline, interval=interval)


def answer(address: str) -> str | None:
    """What the app at `host:port` says; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=2) as response:
            return str(response.read(), "utf-8").strip()
    except (urllib.error.URLError, OSError):
        return None


def left_of(root: Path) -> list[str]:
    """What of the machines below `root` is left on this computer: processes, control groups, mounts, directories."""
    found = [f"process {process.pid} of {path}" for process, path in remains.marked(root).items()]
    found += [f"control group of {name}" for name in remains.control_groups(root)]
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(root) in line]
    found += [str(path) for path in (root / "groups").glob("[!.]*")]
    return found


def kill_when(path: Path, root: Path, images: Path, engine: MachineEngine) -> None:
    """Start a phoenix that creates a group of four, kill it -9 as soon as `path` is there."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.real.machines", str(root), str(images), "4", engine]
    ) as starter:
        while not path.exists() and starter.poll() is None:
            pass  # as fast as can be: a start takes less than 0.1 s
        starter.kill()


if __name__ == "__main__":
    into, of, count, by = sys.argv[1:]
    groups_of(Path(into), Path(of), MachineEngine(by)).create(group(size=int(count)), template(), between=calm)
