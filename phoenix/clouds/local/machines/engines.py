"""The machine engines that are light, by name; what a light machine on trial runs; and what a trial amounts to."""

from __future__ import annotations

from dataclasses import dataclass

LIGHT = "light"
OPEN = "light-open"
"""The same without a user namespace, for kernels that cannot shift the owners of an overlay's layers."""
MARKER = "phoenix: this engine works"
"""What a machine on trial says."""
WAY, NO_WAY_BACK = "way out: ", "no way back"
INIT = f"""\
#!/bin/busybox sh
report() {{ echo "$1" >> /run/phoenix-host/report.log; }}
busybox mkdir /tmp/proc
busybox mount -t proc proc /tmp/proc
for settings in /proc/sys /tmp/proc/sys; do
    value=$(busybox cat $settings/vm/swappiness)
    {{ echo "$value" > $settings/vm/swappiness; }} 2> /dev/null && report '{WAY}its kernel settings'
done
read -r given other < /run/phoenix-host/seed/user-data
busybox nc -w 1 10.0.2.2 "$given" < /dev/null || report '{NO_WAY_BACK}'
busybox nc -w 1 10.0.2.2 "$other" < /dev/null && report '{WAY}its loopback interface'
busybox ip address del 127.0.0.1/8 dev lo
busybox ip route add 127.0.0.1/32 via 10.0.2.2 dev eth0
busybox nc -w 1 127.0.0.1 "$other" < /dev/null && report '{WAY}its loopback interface'
report '{MARKER}'
exec busybox sleep 60
"""
"""The first process of a light machine on trial: tries ways to the computer, and tells of each that is open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """What a trial of one machine engine said."""

    name: str
    """`qemu-kvm`, `light`, `light-open` or `qemu-tcg`."""
    works: bool
    detail: str
    remedy: str = ""
    certain: bool = True
    """False where it could not be tried: it counts as not working, and is tried again next time."""
    unknown: bool = False
    """True where a trial failed at what may pass, as on a busy computer: nobody knows whether it works."""
