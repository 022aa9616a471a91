"""Light machines: the image's tree under runc, with the computer's kernel. They start in a quarter of a second.

Order: make the container (its first process waits), give its network namespace a way out, a way in and ways back,
then let it run. The machine's root is an overlay in a mount namespace of its own, so no end of anything can leave a
mount. They need root to be started, and are nobody themselves (see `tools.runc`).
"""

from __future__ import annotations

import json

from phoenix.clouds.local.machines import engines
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec, Started
from phoenix.clouds.local.machines.network import Network, identity, not_started
from phoenix.errors import CloudError
from phoenix.tools import runc, seed
from phoenix.tools.process import ProcessId, run

TIMEOUT = 60.0
"""Seconds one step of a start may take on a busy computer; each takes some hundredths."""


def start(spec: MachineSpec, files: MachineFiles, engine: str) -> Started:
    """Start the machine; its directory is there and empty. What a failed start leaves is for `remains.end`.

    Raises ToolError or CloudError with what went wrong.
    """
    container = _lay_out(spec, files, fenced=engine != engines.OPEN)
    try:
        machine = create(container, files)
        network = Network(pid=machine.pid, directory=files.directory, tag=files.tag)
        ways = network.connect(spec.reach)
    except OSError as error:
        raise CloudError(
            "this computer cannot give a light machine its namespaces",
            details=str(error),
            resolution="It takes Linux 5.19, file systems that can be idmapped, and root; `phoenix doctor` tries it.",
        ) from error
    port, way_in = network.way_in(spec.port)
    run(runc.start_command(container, files.tag), timeout=TIMEOUT)
    return Started(
        engine=engine,
        port=port,
        processes={"machine": machine, "port": way_in, **ways},
        console="host/console.log",
        report="host/report.log",
    )


def create(container: runc.Container, files: MachineFiles) -> ProcessId:
    """Make the container; its first process, which waits. CloudError with what runc said where it cannot be made."""
    log = container.directory / "runc.log"
    with runc.mounted(container):
        done = run(runc.create_command(container, files.tag), timeout=TIMEOUT, check=False)
    if done.code != 0:
        raise not_started("a light machine could not be made", "\n".join(log.read_text().splitlines()[-5:]))
    first = identity(int(container.pid_file.read_text()), log)
    if container.fenced:
        runc.delegate(container, first.pid)
    return first


def _lay_out(spec: MachineSpec, files: MachineFiles, *, fenced: bool) -> runc.Container:
    directory = files.directory
    for name in ("host", "upper", "work", "root"):
        (directory / name).mkdir()
    container = runc.Container(
        id=files.container,
        directory=directory,
        hostname=files.name,
        tree=spec.image.tree,
        machine=spec.machine,
        fenced=fenced,
    )
    seed.write_directory(container.host / "seed", hostname=files.name, user_data=spec.user_data)
    (directory / "config.json").write_text(json.dumps(runc.config(container), indent=1))
    return container
