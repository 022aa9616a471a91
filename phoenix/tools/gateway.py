"""The way of a machine's network namespace to the world, by a namespace of ours that lies between.

    machine               between                          this computer
    eth0 10.0.2.100  ---  machine 10.0.2.2, tap0  ---  slirp4netns (names: 10.0.2.3)

slirp4netns connects to whatever address a packet bears, so a machine that had its tap0 could reach this computer's
loopback interface, by a route for 127.0.0.1 or a packet of its own making; `--disable-host-loopback` shuts 10.0.2.2
only. A kernel that forwards drops such packets (RFC 1812, 5.3.7), and the machine has no right to this one's settings.

Both namespaces are open descriptors; the lines are ip(8)'s own language.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from phoenix.tools.loopback import HOST_AS_SEEN_BY_MACHINES as HERE
from phoenix.tools.process import Command, require, run

MACHINE = "10.0.2.100"
"""The machine's own address."""
NAMES = "10.0.2.3"
"""Where names are answered."""
TAP = "tap0"
MTU = 65520
TIMEOUT = 30.0
"""Seconds to configure one end; it takes some thousandths."""
SETTINGS = {
    "ip_forward": 1,
    "conf/all/route_localnet": 0,  # what some hosts set, and new namespaces inherit
    "conf/all/accept_source_route": 0,
    "conf/all/rp_filter": 0,
    f"conf/{TAP}/route_localnet": 0,
    f"conf/{TAP}/rp_filter": 0,
    f"conf/{TAP}/proxy_arp": 1,  # slirp asks for the machine, in the name of 10.0.2.2, which is here
    f"conf/{TAP}/accept_local": 1,
    "conf/machine/route_localnet": 0,
    "conf/machine/accept_source_route": 0,
}


def connect_machine(machine: int, between: int) -> None:
    """Join the machine's network to the one between, and give it its address."""
    _configure(
        machine,
        f"link add name eth0 mtu {MTU} type veth peer name machine mtu {MTU} netns {_path(between)}",
        "link set lo up",
        f"address add {MACHINE}/32 dev eth0",
        "link set eth0 up",
        f"route add {HERE}/32 dev eth0",
        f"route add default via {HERE}",
    )


def connect_world(between: int) -> None:
    """Let the network between forward from the machine to slirp4netns, whose tap0 is there."""
    _configure(
        between,
        f"address add {HERE}/32 dev machine",
        "link set machine up",
        f"link set {TAP} up mtu {MTU}",
        f"route add {MACHINE}/32 dev machine",
        f"route add {NAMES}/32 dev {TAP}",
        f"route add default via {NAMES} dev {TAP} onlink",
        settings=SETTINGS,
    )


def _configure(network: int, *lines: str, settings: Mapping[str, int] = MappingProxyType({})) -> None:
    """Have ip(8) do these lines in a network namespace, then write its settings; what follows a failure is not done."""
    writes = "; ".join(f"echo {value} > {name}" for name, value in settings.items())
    script = f"{require('ip', 'iproute2')} -batch -; cd /proc/sys/net/ipv4; {writes or ':'}"
    within = (require("nsenter", "util-linux"), f"--net={_path(network)}", "--", "sh", "-euc", script)
    run(Command(argv=within, stdin="\n".join((*lines, "")).encode()), timeout=TIMEOUT)


def _path(network: int) -> str:
    """An open descriptor as others can open it, while this process has it."""
    return f"/proc/{os.getpid()}/fd/{network}"
