"""Terraform schemas of real providers, out of the Python packages that CDK for Terraform was made from them as.

`python -m tests.emulators.terraform.wheels WHEEL FILE` writes those resources and data sources of the wheel
that the file names already, or that are named after it. README.md tells which wheels, and what they do not say.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_BASES = {
    "cdktf.TerraformResource": "resources",
    "cdktf.TerraformDataSource": "data",
    "cdktf.TerraformProvider": "provider",
}
_ANCHOR = re.compile(r"/docs/[\w/-]+#([\w-]+) ")
_LINK = re.compile(r"\{@link (\S+) ([\w-]+)\}")
_TYPES = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "array of string": ["list", "string"],
    "array of number": ["list", "number"],
    "map of string": ["map", "string"],
    "map of number": ["map", "number"],
    "map of boolean": ["map", "bool"],
    "cdktf.IResolvable": "bool",
    "cdktf.StringMap": ["map", "string"],
    "cdktf.StringList": ["list", "string"],
}
_DEEPEST = 6
"""Levels of blocks below a resource that are kept; a few describe themselves without an end."""


def schemas(wheel: Path, wanted: frozenset[str]) -> Json:
    """The schemas of what is wanted; resources and data sources are both meant by one name."""
    types, package = _assembly(wheel)
    found: Json = {"package": wheel.name, "provider": {}, "resources": {}, "data": {}, **package}
    for kind, name, told in _classes(types):
        if kind == "provider":
            block = _block(types, _config(told))
            block["attributes"].pop("alias", None)
            found["provider"] = _all_optional(block)
        elif name in wanted:
            found[kind][name] = _whole(types, told)
    missing = wanted - found["resources"].keys() - found["data"].keys()
    if missing:
        raise SystemExit(f"{wheel.name} has no {', '.join(sorted(missing))}")
    return found


def _assembly(wheel: Path) -> tuple[Json, Json]:
    """What jsii says of every type, and which provider this is."""
    with zipfile.ZipFile(wheel) as opened:
        inner = next(each for each in opened.namelist() if each.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(opened.read(inner))) as files:
            said, package = (json.load(_opened(files, f"package/{name}")) for name in (".jsii", "package.json"))
    provider = package["cdktf"]["provider"]
    return said["types"], {"source": provider["name"], "version": provider["version"]}


def _opened(files: tarfile.TarFile, name: str) -> Any:
    return files.extractfile(name)


def _classes(types: Json) -> Iterator[tuple[str, str, Json]]:
    for told in types.values():
        kind = _BASES.get(told.get("base", ""))
        link = _LINK.search(told.get("docs", {}).get("summary", ""))
        if told["kind"] == "class" and kind and link:
            yield kind, link[2], told


def _config(told: Json) -> str:
    """The name of the type that has the arguments."""
    parameters = told["initializer"]["parameters"]
    return str(next(each["type"]["fqn"] for each in parameters if each["name"] == "config"))


def _block(types: Json, name: str, depth: int = 0) -> Json:
    block: Json = {"attributes": {}, "blocks": {}}
    for told in types.get(name, {}).get("properties", ()):
        docs = told.get("docs", {})
        text = f"{docs.get('remarks', '')} {docs.get('summary', '')} "
        anchor = _ANCHOR.search(text)
        key = anchor[1] if anchor else _snake(told["name"])
        inner, many = _struct(types, told["type"])
        required = not told.get("optional")
        if inner and docs.get("summary", "").strip() == f"{key} block." and depth < _DEEPEST:
            block["blocks"][key] = {
                "nesting": "single" if key == "timeouts" else "list",
                "min": int(required and key != "timeouts"),
                "max": 0 if many else 1,
                **_block(types, inner, depth + 1),
            }
        else:
            kind = "id" if key == "id" else "required" if required else "optional"
            block["attributes"][key] = [_type(told["type"]), "computed" if kind == "id" else kind]
    return block


def _whole(types: Json, told: Json) -> Json:
    """The arguments, and beside them what the provider computes."""
    block = _block(types, _config(told))
    for each in told.get("properties", ()):
        key = _snake(each["name"])
        known = key in block["attributes"] or key in block["blocks"]
        if not (each.get("static") or key.endswith("_input") or known):
            block["attributes"][key] = [_type(each["type"]), "computed"]
    block["attributes"]["id"] = ["string", "computed"]
    return block


def _all_optional(block: Json) -> Json:
    """A provider reads from the environment what its configuration does not say."""
    attributes = {key: [kind, "optional"] for key, (kind, _need) in block["attributes"].items()}
    return {**block, "attributes": attributes}


def _struct(types: Json, told: Mapping[str, Any]) -> tuple[str, bool]:
    """The name of the block's own type, and whether there may be many; empty where it is no block."""
    if "collection" in told:
        return _struct(types, told["collection"]["elementtype"])[0], True
    if "union" in told:
        parts = [_struct(types, each) for each in told["union"]["types"]]
        return next((each for each in parts if each[0]), ("", False))
    name = told.get("fqn", "")
    return (name, False) if types.get(name, {}).get("kind") == "interface" else ("", False)


def _type(told: Mapping[str, Any]) -> Any:
    """As Terraform writes types; what the wheel does not tell is `dynamic`."""
    return _TYPES.get(_named(told), "dynamic")


def _named(told: Mapping[str, Any]) -> str:
    if "collection" in told:
        return f"{told['collection']['kind']} of {_named(told['collection']['elementtype'])}"
    if "union" in told:
        rest = [each for each in told["union"]["types"] if each.get("fqn") != "cdktf.IResolvable"]
        return _named(rest[0]) if len(rest) == 1 else ""
    return str(told.get("primitive") or told.get("fqn", ""))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])|(?<!^)([A-Z])(?=[a-z])", lambda found: "_" + found[0], name).lower()


def main(wheel: Path, file: Path, more: list[str]) -> None:
    """Write the file anew, with what it has and what is named."""
    there = json.loads(file.read_text()) if file.exists() else {"resources": {}, "data": {}}
    found = schemas(wheel, frozenset({*there["resources"], *there["data"], *more}))
    lines = json.dumps(found, indent=1, sort_keys=True)
    file.write_text(re.sub(r'\[\s+((?:"\w+"|\[\s+"\w+",\s+"\w+"\s+]),\s+"\w+")\s+]', _one_line, lines) + "\n")


def _one_line(found: re.Match[str]) -> str:
    return json.dumps(json.loads(found[0]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
