"""Light machines: the image's tree under runc, with the computer's kernel. They start in a quarter of a second.

Order: make the container (its first process waits), give its network namespace a way out, a way in and ways back,
then let it run. The machine's root is an overlay in a mount namespace of its own, so no end of anything can leave a
mount. They need root to be started, and are nobody themselves (see `tools.runc`).
"""

from __future__ import annotations

import json

from phoenix.clouds.local.machine_files import MachineFiles, MachineSpec, Started
from phoenix.clouds.local.network import TIMEOUT, Network, failed, identity
from phoenix.errors import CloudError
from phoenix.tools import runc, seed
from phoenix.tools.process import run

NAME = "light"
OPEN = "light-open"
"""The same without a user namespace, for kernels that cannot shift the owners of an overlay's layers."""


def start(spec: MachineSpec, files: MachineFiles, engine: str) -> Started:
    """Start the machine; its directory is there and empty. What a failed start leaves is for `remains.end`."""
    container = _lay_out(spec, files, fenced=engine != OPEN)
    log = container.directory / "runc.log"
    try:
        with runc.mounted(container):
            done = run(runc.create_command(container, files.tag), timeout=TIMEOUT, check=False)
    except OSError as error:
        raise CloudError(
            "the root of a light machine cannot be mounted",
            details=str(error),
            resolution="It takes Linux 5.19 or newer, and the right to mount; see `phoenix doctor`.",
        ) from error
    if done.code != 0:
        raise failed("a light machine could not be made", log)
    pid = int(container.pid_file.read_text())
    machine = identity(pid, log)
    if container.fenced:
        runc.delegate(container, pid)
    network = Network(pid=pid, directory=files.directory, tag=files.tag)
    with network.ways_back(spec.reach) as back, network.way_out() as out:
        port, way_in = network.way_in(spec.port)
    run(runc.start_command(container, files.tag), timeout=TIMEOUT)
    return Started(
        engine=engine,
        port=port,
        processes={
            "machine": machine,
            "way to the network": out,
            "port": way_in,
            **{f"way to the computer's port {number}": process for number, process in back.items()},
        },
        console="host/console.log",
        report="host/report.log",
    )


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
