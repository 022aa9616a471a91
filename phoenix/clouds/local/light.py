"""Light machines: the image's tree under runc, with the host's kernel. They start in a quarter of a second; need root.

Order: make the container (its first process waits), give its network namespace a way out and a way in, then let it
run. The machine's root is an overlay in a mount namespace of its own, so no end of anything can leave a mount.
"""

from __future__ import annotations

import json
import os
import select
import socket
from pathlib import Path

from phoenix.clouds.local import trees
from phoenix.clouds.local.machine_files import MachineFiles, MachineSpec, Started
from phoenix.errors import CloudError
from phoenix.tools import runc, seed, slirp, socket_proxy
from phoenix.tools.process import ProcessId, run, spawn

NAME = "light"
TIMEOUT = 60.0
"""Seconds one step of a start may take on a busy host; each takes some hundredths."""
BACKLOG = 4096


def start(spec: MachineSpec, files: MachineFiles) -> Started:
    """Start the machine; its directory is there and empty. What a failed start leaves is for `remains.end`."""
    container = _lay_out(spec, files)
    run(runc.create_command(container, files.tag), timeout=TIMEOUT)
    pid = int(container.pid_file.read_text())
    machine = _process(pid, container.directory / "runc.log")
    out = _way_out(pid, files)
    port, way_in = _way_in(pid, spec.port, files)
    run(runc.start_command(container, files.tag), timeout=TIMEOUT)
    return Started(
        engine=NAME,
        port=port,
        processes={"machine": machine, "way to the network": out, "port": way_in},
        console="host/console.log",
        report="host/report.log",
    )


def _lay_out(spec: MachineSpec, files: MachineFiles) -> runc.Container:
    directory = files.directory
    for name in ("host", "upper", "work", "root"):
        (directory / name).mkdir()
    container = runc.Container(
        id=files.container,
        directory=directory,
        hostname=files.name,
        overlay=trees.overlay_options(spec.image.tree, directory / "upper", directory / "work", root=True),
        machine=spec.machine,
    )
    seed.write_directory(container.host / "seed", hostname=files.name, user_data=spec.user_data)
    (directory / "config.json").write_text(json.dumps(runc.config(container), indent=1))
    return container


def _way_out(pid: int, files: MachineFiles) -> ProcessId:
    """Start the program that connects the machine to the outside, and hear that it does."""
    log = files.directory / "network.log"
    ready, said = os.pipe()
    try:
        try:
            process = _process(spawn(slirp.build_command(pid, said, files.tag), log=log, keep=(said,)), log)
        finally:
            os.close(said)
        heard, _, _ = select.select([ready], [], [], TIMEOUT)
        if not heard or not os.read(ready, 1):
            raise _failed("the network of a machine could not be made", log)
    finally:
        os.close(ready)
    return process


def _way_in(pid: int, port: int, files: MachineFiles) -> tuple[int, ProcessId]:
    """Open a loopback port of the host that leads to the machine's `port`."""
    log = files.directory / "port.log"
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        listening: int = listener.getsockname()[1]
        to = f"{slirp.GUEST_ADDRESS}:{port}"
        command = socket_proxy.build_command(listener.fileno(), pid, to, files.tag)
        return listening, _process(spawn(command, log=log, keep=(listener.fileno(),)), log)


def _process(pid: int, log: Path) -> ProcessId:
    process = ProcessId.of(pid)
    if process is None:
        raise _failed("a machine ended while it was started", log)
    return process


def _failed(brief: str, log: Path) -> CloudError:
    said = log.read_text(errors="replace").strip() if log.exists() else ""
    return CloudError(
        brief,
        details="\n".join(said.splitlines()[-5:]) or "it said nothing",
        resolution="`phoenix doctor` tells whether light machines work here; `machines: qemu` does without them.",
    )
