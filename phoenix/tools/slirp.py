"""slirp4netns: the way of a machine to the outside, without touching the computer's own network.

The machine reaches the world through the computer and names are answered by 10.0.2.3, as under QEMU. The computer's
loopback interface is out of reach (`--disable-host-loopback`): what phoenix serves there is led in one by one (see
`clouds.local.network`). Its port forwarding is not used: measured, it loses connections at 2000 a second and takes
0.2 s for each once 100 are open (see `socket_proxy`).
"""

from __future__ import annotations

from collections.abc import Mapping

from phoenix.tools.process import Command, require

GUEST_ADDRESS = "10.0.2.100"
"""What `--configure` gives the machine's side."""
FENCE = ("--disable-host-loopback", "--enable-sandbox", "--enable-seccomp")
"""No loopback; and where a packet breaks the program, it has no files and few system calls."""


def build_command(pid: int, ready: int, tag: Mapping[str, str]) -> Command:
    """Give the network namespace of process `pid` its network; a byte on descriptor `ready` says that it stands."""
    # Its sandbox (1.2.0) leaves all mounts but / shared, and takes what it unmounts away from the whole computer:
    # /sys/fs/cgroup was gone under systemd. In a mount namespace of its own nothing is shared.
    alone = (require("unshare", "util-linux"), "--mount", "--propagation", "private", "--")
    program = require("slirp4netns", "slirp4netns")
    argv = (*alone, program, "--configure", "--mtu=65520", *FENCE, f"--ready-fd={ready}", str(pid), "tap0")
    return Command(argv=argv, environment=tag)
