"""What is special about networks: which firewall rules hold in one."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import key_of
from tests.emulators.gcp.emulated import Emulated


class NetworkKind(Kind):
    """Networks. https://cloud.google.com/compute/docs/reference/rest/v1/networks"""

    noun = "networks"

    def __init__(self, emulated: Emulated) -> None:
        self._store = emulated.store

    def actions(self) -> Mapping[str, Handler]:
        """The rules of the network itself; firewall policies there are none."""
        return {"getEffectiveFirewalls": self._effective}

    def _effective(self, asked: Asked) -> Json:
        self._store.need(asked.key)
        rules = [row for _key, row in self._store.of("firewalls", f"projects/{asked.project}/")]
        return {"firewalls": [row for row in rules if key_of(row.get("network", ""), asked.project) == asked.key]}
