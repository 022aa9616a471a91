"""A provider that Terraform speaks to as to the real one: its schemas, and a world that it makes things in.

Where the protocol says UNKNOWN, a value is known after the apply alone. Read gives what the world has, so that what
another hand has changed there is seen by the next plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgpack

from tests.emulators.terraform import schema
from tests.emulators.terraform.schema import Schemas
from tests.emulators.terraform.wire import messages
from tests.emulators.terraform.world import Values, World, made_up, name_of

UNKNOWN = msgpack.ExtType(0, b"\0")
_ERROR = 1


class Provider:
    """What each method of the protocol does; requests and answers are `wire.messages`."""

    def __init__(self, schemas: Schemas, world: World) -> None:
        self._schemas = schemas
        self._world = world
        self._answer = schemas.answer()

    def get_provider_schema(self, _asked: Any) -> Any:
        """All schemas."""
        return self._answer

    def validate_provider_config(self, _asked: Any) -> Any:
        """Nothing beyond the schema, which Terraform itself holds it against."""
        return messages["ToldOfConfig"]()

    def validate_resource_config(self, _asked: Any) -> Any:
        """As for the provider."""
        return messages["Told"]()

    validate_data_resource_config = configure_provider = validate_resource_config

    def upgrade_resource_state(self, asked: Any) -> Any:
        """The state as it is: there is one version of each schema."""
        values = json.loads(asked.raw_state.json)
        for name, (kind, _need) in self._schemas.resources[asked.type_name]["attributes"].items():
            told = values.get(name)
            if kind == "dynamic" and isinstance(told, dict) and set(told) == {"type", "value"}:
                values[name] = [json.dumps(told["type"]).encode(), told["value"]]
        return messages["Upgraded"](upgraded_state=_packed(values))

    def read_resource(self, asked: Any) -> Any:
        """What the world has; nothing where it is gone."""
        there = self._world.things.get((asked.type_name, _unpacked(asked.current_state)["id"]))
        if there is not None and asked.type_name in self._world.readers:
            there.update(self._world.readers[asked.type_name](there))
        return messages["ReadTold"](new_state=_packed(there))

    def plan_resource_change(self, asked: Any) -> Any:
        """What is proposed; what nobody knows before it is made is UNKNOWN."""
        wanted = _unpacked(asked.proposed_new_state)
        if wanted is not None:
            for name in schema.computed(self._schemas.resources[asked.type_name]):
                if wanted.get(name) is None:
                    wanted[name] = UNKNOWN
        return messages["Planned"](planned_state=_packed(wanted))

    def apply_resource_change(self, asked: Any) -> Any:
        """Make it, change it, or end it in the world; its state afterwards."""
        wanted = _unpacked(asked.planned_state)
        if wanted is None:
            self._world.things.pop((asked.type_name, _unpacked(asked.prior_state)["id"]), None)
            return messages["Applied"](new_state=_packed(None))
        if asked.type_name in self._world.refuses:
            return self._refused(asked)
        self._fill(asked.type_name, wanted, new=_unpacked(asked.prior_state) is None)
        self._world.things[asked.type_name, wanted["id"]] = wanted
        return messages["Applied"](new_state=_packed(wanted))

    def read_data_source(self, asked: Any) -> Any:
        """What the world answers, over what is made up."""
        values: Values = _unpacked(asked.config)
        name = name_of(asked.type_name, values)
        for attribute, kind in schema.computed(self._schemas.data[asked.type_name]).items():
            if values.get(attribute) is None:
                values[attribute] = made_up(asked.type_name, name, attribute, kind, values)
        return messages["DataTold"](state=_packed({**values, **self._world.data.get(asked.type_name, {})}))

    def stop_provider(self, _asked: Any) -> Any:
        """Nothing is under way for longer than a call."""
        return messages["Empty"]()

    def _fill(self, kind: str, wanted: Values, *, new: bool) -> None:
        given = {name: value for name, value in wanted.items() if value is not None and value != UNKNOWN}
        name = name_of(kind, given)
        made = self._world.makers[kind](given) if new and kind in self._world.makers else {}
        for attribute, type_ in schema.computed(self._schemas.resources[kind]).items():
            if wanted.get(attribute) == UNKNOWN:
                wanted[attribute] = made.get(attribute) or made_up(kind, name, attribute, type_, given)

    def _refused(self, asked: Any) -> Any:
        told = messages["Applied"](new_state=asked.prior_state)
        told.diagnostics.add(severity=_ERROR, summary=self._world.refuses[asked.type_name])
        return told


def _unpacked(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False) if value.msgpack else None


def _packed(value: Mapping[str, Any] | None) -> Any:
    return messages["DynamicValue"](msgpack=msgpack.packb(value, use_bin_type=True))
