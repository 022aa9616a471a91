"""The fence on Debian's own kernel, with control groups of version 2: phoenix itself in a virtual machine.

The guest gets this checkout, its dependencies and the programs of light machines, and says what `doctor` would.
"""

from __future__ import annotations

import site
import sys
from pathlib import Path

import pytest

from phoenix.clouds.local import chroot_builder, machines, trees
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.model import Machine
from phoenix.tools import disk, fence, process
from phoenix.tools.process import Command
from tests.support.real.machines import CLOCK

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = "runc slirp4netns busybox-static procps"
TRIAL = """\
import platform
from pathlib import Path
from phoenix.clouds.local import light_trial
version = 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1
print(f"kernel {platform.release()} cgroup {version}")
mounts = Path("/proc/self/mountinfo").read_text()
for name in ("light", "light-open"):
    engine = light_trial.attempt(name)
    print(f"{name} {engine.works} {engine.detail}")
print(f"mounts {mounts == Path('/proc/self/mountinfo').read_text()}")
"""

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]


def test_light_machines_are_fenced_on_debians_kernel(bare_images: Path, roomy: Path) -> None:
    directory = roomy / "guest"
    (directory / "workspace").mkdir(parents=True)
    around = chroot_builder.lay_out(bare_images / "bare/tree", directory, directory / "workspace", ())
    install = f"apt-get -q update && apt-get -qy install --no-install-recommends {PROGRAMS}"
    process.run(fence.around(around, fence.inside("sh", "-euc", install)), timeout=300)
    image = ImageFiles(directory=directory / "image")
    image.directory.mkdir()
    trees.flatten(bare_images / "bare/tree", directory / "upper", image.tree)
    packages = next(Path(path) for path in site.getsitepackages() if path.startswith(sys.prefix))
    for source, target in ((ROOT / "phoenix", "phoenix"), (packages, "packages")):
        (image.tree / "srv" / target).parent.mkdir(exist_ok=True)
        copy = Command(argv=("cp", "-a", "--", str(source), str(image.tree / "srv" / target)))
        process.run(copy, timeout=120)
    (image.tree / "srv/trial.py").write_text(TRIAL)
    kernel = disk.kernel_of(image.tree)
    image.kernel.hardlink_to(kernel.image)
    disk.write_initrd(kernel, image.initrd)
    disk.make_ext4(image.tree, image.disk, log=directory / "disk.log")
    work = (
        "modprobe tun\nexport PYTHONPATH=/srv:/srv/packages PHOENIX_CACHE=/root/cache\n"
        "timeout 300 python3 /srv/trial.py > /tmp/said 2>&1\n"
        'while read -r line; do /usr/lib/phoenix/report "$line"; done < /tmp/said\n'
        "/usr/lib/phoenix/report over\n"
    )
    (directory / "boot").mkdir()
    said = machines.run_to_end(
        directory=directory / "boot",
        image=image,
        user_data=work,
        last_line="over",
        machine=Machine(cpus=2, memory=1 << 30),
        accelerator="tcg",
        deadline=600,
        clock=CLOCK,
        on_line=lambda _line: None,
    )
    told = dict(line.split(" ", 1) for line in said if " " in line)
    assert told["kernel"].startswith("6.1."), said
    assert told["kernel"].endswith("cgroup 2"), said
    assert told["light"].startswith("True"), said
    assert told["light"].endswith("its root is nobody on this computer"), said
    assert told["light-open"].startswith("True"), said
    assert "its kernel settings" in told["light-open"], said
    assert told["mounts"] == "True", "systemd shares its mounts; nothing was unmounted or left"
