"""On which addresses the programs inside a light machine listen: why the balancer does not reach one that runs.

The computer's kernel is the machine's own and tells it. Of a whole machine's network nobody outside can tell.
"""

from __future__ import annotations

from phoenix.clouds.local.machines.machine_files import Started
from phoenix.tools import listeners
from phoenix.tools.gateway import MACHINE

_ANY, _ANY_6 = "0.0.0.0", "::"
_ITSELF = ("127.", "::1")
_SSH = 22


def words(started: Started, port: int) -> str:
    """What stands between the balancer and the machine's `port`, as a sentence; empty: nothing, or unknown."""
    machine = started.processes.get("machine")
    if not started.engine.startswith("light") or machine is None or not machine.alive:
        return ""
    found = listeners.inside(machine.pid)
    on_port = sorted({host for host, number in found if number == port})
    if {_ANY, MACHINE} & set(on_port):
        return ""
    if _ANY_6 in on_port and not listeners.is_ipv6_only(machine.pid, port):
        return ""
    if on_port:
        where = " and ".join(_shown(host, port) for host in on_port)
        only = "inside the machine only" if all(_inner(host) for host in on_port) else "by IPv6 only"
        return f"port {port} is listened to {only}, on {where}; the balancer asks by IPv4, from outside: 0.0.0.0:{port}"
    others = sorted({number for _host, number in found if number != _SSH})
    there = f"the machine listens on {', '.join(map(str, others))}" if others else "the machine listens on no other"
    return f"nothing listens on port {port}; {there}"


def _inner(host: str) -> bool:
    return host.startswith(_ITSELF)


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
