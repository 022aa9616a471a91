"""Alarms before a roll begins: while one rings, nothing new is brought live unless somebody says so."""

from __future__ import annotations

from phoenix.errors import RefusedError
from phoenix.manner import Alarm, Ring
from phoenix.orders.places import Place
from phoenix.orders.site import Site


def ringing(site: Site, place: Place, names: tuple[str, ...]) -> tuple[Alarm, ...]:
    """Those of the alarms that ring now. RefusedError for a name that the cloud has no alarm of."""
    found = site.cloud(place.cloud).alarms(names) if names else ()
    unknown = [name for name in names if name not in {alarm.name for alarm in found}]
    if unknown:
        raise RefusedError(
            f"the cloud '{place.cloud}' has no alarm {', '.join(unknown)}",
            details=f"the strategy of {place.subject} names it; a roll that it is to watch could never end well",
            resolution="Make it, or name another under `alarms`; `--ignore-alarms` rolls without any.",
        )
    return tuple(alarm for alarm in found if alarm.ring is Ring.RINGING)


def refuse_ringing(site: Site, place: Place, names: tuple[str, ...]) -> None:
    """RefusedError while one of them rings."""
    found = ringing(site, place, names)
    if found:
        raise RefusedError(
            f"the alarm {', '.join(alarm.name for alarm in found)} rings, before anything was changed",
            details="\n".join(f"{alarm.name}: {alarm.why}" for alarm in found),
            resolution="Wait until all is well, or roll with --ignore-alarms: then no alarm is looked at.",
        )
