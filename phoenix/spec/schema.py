"""The JSON Schema of `phoenix.yaml`, for editors: made from the very models that read the file."""

from __future__ import annotations

from typing import Any

_REFERENCE = {"type": "string", "pattern": r"\$\{[A-Za-z_]", "description": "A value from the environment."}


def json_schema() -> dict[str, Any]:
    """The schema as plain data, draft 2020-12."""
    from phoenix.spec.form.project import ProjectForm

    schema = _for_editors(ProjectForm.model_json_schema())
    schema["$defs"]["Reference"] = _REFERENCE
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "phoenix.yaml",
        "description": "What images are baked, packages published and services rolled by phoenix.",
    }


def _for_editors(schema: Any) -> Any:
    """Without what only programs read (titles, null for "left out"), with `${NAME}` wherever one value stands."""
    if isinstance(schema, list):
        return [_for_editors(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "title" or isinstance(value, dict)}
    if kept.get("default", "") is None:
        del kept["default"]
    forms = [form for form in kept.get("anyOf", []) if form != {"type": "null"}]
    if "anyOf" in kept and len(forms) == 1:
        del kept["anyOf"]
        return _for_editors({**kept, **forms[0]})
    changed = {key: value if key == "default" else _for_editors(value) for key, value in kept.items()}
    return _or_reference(changed) if _is_scalar(changed) else changed


def _is_scalar(schema: dict[str, Any]) -> bool:
    plain = schema.get("type") in ("integer", "boolean") or "enum" in schema
    return plain or (schema.get("type") == "string" and "pattern" in schema)


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    about = {key: value for key, value in schema.items() if key in ("description", "default")}
    bare = {key: value for key, value in schema.items() if key not in about}
    return {**about, "anyOf": [bare, {"$ref": "#/$defs/Reference"}]}
