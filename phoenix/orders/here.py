"""What can be reached from this computer: a state in a bucket is shared, a local cloud's machines are not."""

from __future__ import annotations

import socket

from phoenix.errors import RefusedError
from phoenix.names import Noun
from phoenix.orders import kinds
from phoenix.orders.site import Site
from phoenix.record.journal import Run


def is_here(site: Site, run: Run) -> bool:
    """Whether what the run works on can be reached from this computer: what a stack is about, from every one."""
    if "://" not in site.project.state or run.owner.host == socket.gethostname() or run.about.noun is Noun.STACK:
        return True
    cloud = kinds.of(run).cloud(site, run)
    return cloud is not None and not site.cloud(cloud).abilities.here_only


def refuse_elsewhere(site: Site, run: Run) -> None:
    """RefusedError where the run is about machines of another computer."""
    if not is_here(site, run):
        raise RefusedError(
            f"{run.subject} is on another computer",
            details=f"{run.id} was begun on {run.owner.host}; a local cloud's machines are where it runs",
            resolution=f"Say it on {run.owner.host}; `phoenix unlock` gives the run up.",
        )
