"""Phoenix on Debian's own kernel, with control groups of version 2: this checkout in a virtual machine.

The guest gets its dependencies, the programs of light machines and the baked images, and says what came of it.
"""

from __future__ import annotations

import shutil
import site
import sys
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import chroot_builder, trees
from phoenix.clouds.local.bake.mirror import configured_mirror
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machines import lifecycle as machines
from phoenix.model import Machine
from phoenix.tools import disk, fence, process
from phoenix.tools.process import Command
from tests.support.real.machines import CLOCK

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = "runc slirp4netns busybox-static procps haproxy aptly gnupg iproute2 dpkg-dev"
PARTS = ("phoenix", "templates", "playbooks", "tests", "pyproject.toml")
TRIAL = """\
import platform
from pathlib import Path
from phoenix.clouds.local.machines import light_trial
version = 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1
print(f"kernel {platform.release()} cgroup {version}")
mounts = Path("/proc/self/mountinfo").read_text()
for name in ("light", "light-open"):
    engine = light_trial.attempt(name)
    print(f"{name} {engine.works} {engine.detail}")
print(f"mounts {mounts == Path('/proc/self/mountinfo').read_text()}")
"""
ROLLS = """\
import functools
import os
import re
import signal
from pathlib import Path
from phoenix.demo import load
from tests.support.real.machines import CLOCK, left_of
from tests.support.real import quick as quick_service
from tests.support.real.quick import Quick
from tests.support.real.shell import Shell

home = Path("/root/private")
home.mkdir(mode=0o700)
shell = Shell(directory=home / "hello")
shell.run("init", str(shell.directory))
spec = shell.directory / "phoenix.yaml"
local = "{{kind: local, machines: light, images: /srv/images, mirror: '{mirror}'}}"
spec.write_text(re.sub(r"local: [{{]kind: local[}}]", f"local: {{local}}", spec.read_text()))
shell.run("publish", "/srv/hello_9.0.0_all.deb")
# an emulated processor
for often, rarely in (("deadline: 60s", "deadline: 10m"), ("interval: 1s", "interval: 5s")):
    quick_service._SERVICE = quick_service._SERVICE.replace(often, rarely)
Quick.until = functools.partialmethod(Quick.until, deadline=600)
quick = Quick(shell=shell, listen="127.0.0.1:8000")
quick.serve(size=2)
print("serves", quick.serving(), flush=True)
with load.running(quick.address, rate=5, out=home / "load.json", clock=CLOCK) as running:
    quick.next_release()
    shell.run("roll", "web-tier")
    print("rolled", quick.serving(), flush=True)
    for step, rescue in (("create-candidate", "tend"), ("candidate-healthy", "abort"), ("shift", "resume")):
        with quick.rolling(step) as process:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        shell.run(rescue, *(() if rescue == "tend" else ("web-tier",)))
        print("rescued", rescue, quick.serving(), len(quick.sizes()), flush=True)
    summary = running.finish()
slow = f"no answer within {{load.TIMEOUT:g}} s"  # an emulated processor, beside other tests
print("requests", summary.answered, sorted({{each.reason for each in summary.failures}} - {{slow}}), flush=True)
shell.run("down", "--yes", "--force")
print("left", left_of(quick.root), [str(path) for path in Path("/sys/fs/cgroup").rglob("*web-tier*")], flush=True)
"""

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def computer(bare_images: Path, baked_images: Path, steered: Path, roomy: Path) -> ImageFiles:
    """A Debian with this checkout, its dependencies, what light machines need, and the baked images without disks."""
    directory = roomy / "guest"
    (directory / "workspace").mkdir(parents=True)
    around = chroot_builder.lay_out(bare_images / "bare/tree", directory, directory / "workspace", ())
    install = f"apt-get -q update && apt-get -qy install --no-install-recommends {PROGRAMS}"
    process.run(fence.around(around, fence.inside("sh", "-euc", install)), timeout=300)
    image = ImageFiles(directory=directory / "image")
    image.directory.mkdir()
    trees.flatten(bare_images / "bare/tree", directory / "upper", image.tree)
    there = image.tree / "srv"
    there.mkdir(exist_ok=True)
    packages = next(Path(path) for path in site.getsitepackages() if path.startswith(sys.prefix))
    for source, target in ((packages, "packages"), *((ROOT / part, part) for part in PARTS)):
        process.run(Command(argv=("cp", "-a", "--", str(source), str(there / target))), timeout=120)
    (there / "images").mkdir()
    for baked in baked_images.glob("[!.]*"):
        trees.copy(baked, there / "images" / baked.name)
        (there / "images" / baked.name / "disk.raw").unlink()
    shutil.copy(steered, there)
    (there / "trial.py").write_text(TRIAL)
    (there / "rolls.py").write_text(ROLLS.format(mirror=configured_mirror()))
    kernel = disk.kernel_of(image.tree)
    image.kernel.hardlink_to(kernel.image)
    disk.write_initrd(kernel, image.initrd)
    disk.make_ext4(image.tree, image.disk, log=directory / "disk.log", slack=2 << 30)
    return image


def said_by(computer: ImageFiles, script: str, directory: Path, *, deadline: int) -> tuple[str, ...]:
    """What the script says, run as root in the computer once it has booted."""
    work = (
        "modprobe tun\nexport PYTHONPATH=/srv:/srv/packages PHOENIX_CACHE=/root/cache HOME=/root\ncd /srv\n"
        f"timeout {deadline} python3 {script} > /tmp/said 2>&1\n"
        'while read -r line; do /usr/lib/phoenix/report "$line"; done < /tmp/said\n'
        "/usr/lib/phoenix/report over\n"
    )
    directory.mkdir()
    return machines.run_to_end(
        directory=directory,
        image=computer,
        user_data=work,
        last_line="over",
        machine=Machine(cpus=2, memory=2 << 30),
        accelerator="tcg",
        deadline=deadline + 300,
        clock=CLOCK,
        on_line=lambda _line: None,
    )


def test_light_machines_are_fenced(computer: ImageFiles, roomy: Path) -> None:
    said = said_by(computer, "trial.py", roomy / "guest/trial", deadline=300)
    told = dict(line.split(" ", 1) for line in said if " " in line)
    assert told["kernel"].startswith("6.1."), "\n".join(said)
    assert told["kernel"].endswith("cgroup 2"), "\n".join(said)
    assert told["light"].startswith("True"), "\n".join(said)
    assert told["light"].endswith("its root is nobody on this computer"), "\n".join(said)
    assert told["light-open"].startswith("True"), "\n".join(said)
    assert "its kernel settings" in told["light-open"], "\n".join(said)
    assert told["mounts"] == "True", "systemd shares its mounts; nothing was unmounted or left"


def test_rolls_under_load_and_kills_lose_nothing(computer: ImageFiles, roomy: Path) -> None:
    """With the project below a directory that only its owner may enter."""
    said = said_by(computer, "rolls.py", roomy / "guest/rolls", deadline=1200)
    told = [line.split(" ", 1) for line in said if " " in line]
    assert ["serves", "release-1"] in told, "\n".join(said)
    assert ["rolled", "release-2"] in told, "\n".join(said)
    rescued = [rest for word, rest in told if word == "rescued"]
    assert rescued == ["tend release-2 1", "abort release-2 1", "resume release-5 1"], "\n".join(said)
    answered, failures = next(rest for word, rest in told if word == "requests").split(" ", 1)
    assert int(answered) > 100, "\n".join(said)
    assert failures == "[]", "\n".join(said)
    assert ["left", "[] []"] in told, "\n".join(said)
