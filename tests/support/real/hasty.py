"""Phoenix that believes in a quick balancer: run as a program, it is `phoenix` that waits less for Google's proxies.

Compute Engine's proxies follow a change of a URL map within a minute; an emulated one does within a second, so that a
test of the whole way need not wait a minute after each step.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from phoenix.cli import app
from phoenix.clouds.gcp import traffic
from phoenix.clouds.gcp.balancer import shared_traffic
from phoenix.manner import Manner

SETTLES = 3.0
"""Seconds; longer than the emulator's lag."""


def quick(manner: Manner) -> Manner:
    """The same, of a balancer that settles sooner."""
    return replace(manner, settles=SETTLES)


def main() -> int:
    """The command line of this process."""
    for kind in (traffic.GcpUrlMapTraffic, shared_traffic.GcpBackendServiceTraffic):
        kind.manner = quick(kind.manner)
    return app.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
