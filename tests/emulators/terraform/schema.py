"""The schemas of a provider, read from `schemas/`, and as the plugin protocol wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.emulators.terraform.wire import messages

COMPUTED, EITHER = "computed", "either"
_FOLDER = Path(__file__).with_name("schemas")
_NESTING = {"single": 1, "list": 2}
_ALSO_COMPUTED = {
    "aws_instance": ("private_ip",),
    "google_compute_address": ("address",),
    "google_compute_global_address": ("address",),
}
"""Arguments that the provider fills where they are not given; the wheels do not tell them from others."""


@dataclass(frozen=True, kw_only=True)
class Schemas:
    """What a provider takes and gives."""

    source: str
    """As modules name it, such as `hashicorp/aws`."""
    version: str
    provider: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, Mapping[str, Any]]

    def answer(self) -> Any:
        """The whole of it, for GetProviderSchema."""
        whole = messages["Schemas"]()
        whole.provider.block.CopyFrom(_block(self.provider))
        for into, these in ((whole.resource_schemas, self.resources), (whole.data_source_schemas, self.data)):
            for name, block in these.items():
                into.add(key=name).value.block.CopyFrom(_block(block))
        return whole


@cache
def of(name: str) -> Schemas:
    """The provider's, by the name of its file: `aws` or `google`."""
    told = json.loads((_FOLDER / f"{name}.json").read_text())
    return Schemas(
        source=f"hashicorp/{told['source'].rpartition('/')[2]}",
        version=told["version"],
        provider=told["provider"],
        resources={name: _filled_in(name, block) for name, block in told["resources"].items()},
        data=told["data"],
    )


def computed(block: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that the provider fills, with their types."""
    return {name: kind for name, (kind, need) in block["attributes"].items() if need in (COMPUTED, EITHER)}


def _filled_in(name: str, block: Mapping[str, Any]) -> Mapping[str, Any]:
    more = {each: [block["attributes"][each][0], EITHER] for each in _ALSO_COMPUTED.get(name, ())}
    return {**block, "attributes": {**block["attributes"], **more}}


def _block(told: Mapping[str, Any]) -> Any:
    block = messages["Block"]()
    for name, (kind, need) in told["attributes"].items():
        own_id = name == "id" and need == COMPUTED
        block.attributes.add(
            name=name,
            type=json.dumps(kind).encode(),
            required=need == "required",
            optional=need in ("optional", EITHER) or own_id,
            computed=need in (COMPUTED, EITHER),
        )
    for name, inner in told["blocks"].items():
        nested = block.block_types.add(type_name=name, nesting=_NESTING[inner["nesting"]])
        nested.block.CopyFrom(_block(inner))
        nested.min_items, nested.max_items = (0, 0) if inner["nesting"] == "single" else (inner["min"], inner["max"])
    return block


def complete(block: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a provider gives them: whatever the block has and they do not say is there, and empty.

    KeyError where they say what it does not have.
    """
    unknown = values.keys() - block["attributes"].keys() - block["blocks"].keys()
    if unknown:
        raise KeyError(", ".join(sorted(unknown)))
    whole: dict[str, Any] = {name: values.get(name) for name in block["attributes"]}
    for name, inner in block["blocks"].items():
        given = values.get(name)
        if inner["nesting"] == "single":
            whole[name] = None if given is None else complete(inner, given)
        else:
            whole[name] = [complete(inner, each) for each in given or ()]
    return whole
