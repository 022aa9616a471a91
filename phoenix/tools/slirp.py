"""slirp4netns: a way to the world for a network namespace, without touching the computer's own network.

Names are answered by 10.0.2.3, as under QEMU. Its port forwarding is not used: measured, it loses connections at 2000
a second and takes 0.2 s for each once 100 are open (see `socket_proxy`).
"""

from __future__ import annotations

import os
import select
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix.tools import gateway
from phoenix.tools.process import Command, require, spawn

FENCE = ("--disable-host-loopback", "--enable-sandbox", "--enable-seccomp")
"""Where a packet breaks the program, it has no files and few system calls. What it connects to: see `gateway`."""
TIMEOUT = 60.0
"""Seconds until it is ready; it takes some hundredths."""


def build_command(network: str, ready: int, tag: Mapping[str, str]) -> Command:
    """Give the network namespace at the path `network` a tap0; a byte on descriptor `ready` says that it is there."""
    # Its sandbox (1.2.0) leaves all mounts but / shared, and takes what it unmounts away from the whole computer:
    # /sys/fs/cgroup was gone under systemd. In a mount namespace of its own nothing is shared.
    alone = (require("unshare", "util-linux"), "--mount", "--propagation", "private", "--")
    program = require("slirp4netns", "slirp4netns")
    options = (f"--mtu={gateway.MTU}", *FENCE, f"--ready-fd={ready}", "--netns-type=path")
    return Command(argv=(*alone, program, *options, network, gateway.TAP), environment=tag)


@dataclass(frozen=True, kw_only=True, slots=True)
class Starting:
    """The program on its way."""

    pid: int
    ready: int
    log: Path

    def wait(self) -> str:
        """Wait until its interface is there; why it is not, empty where all is well."""
        try:
            heard, _, _ = select.select([self.ready], [], [], TIMEOUT)
            if heard and os.read(self.ready, 1):
                return ""
        finally:
            os.close(self.ready)
        said = [line for line in self.log.read_text(errors="replace").splitlines() if not line.startswith("WARNING")]
        return "\n".join(said[-5:]) or "slirp4netns said nothing"


def start(network: int, log: Path, tag: Mapping[str, str]) -> Starting:
    """Start it for the namespace that `network` is an open descriptor of. It outlives this process."""
    ready, said = os.pipe()
    try:
        command = build_command(f"/proc/{os.getpid()}/fd/{network}", said, tag)
        return Starting(pid=spawn(command, log=log, keep=(said,)), ready=ready, log=log)
    except BaseException:
        os.close(ready)
        raise
    finally:
        os.close(said)
