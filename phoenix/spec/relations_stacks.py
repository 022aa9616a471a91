"""Stacks that cannot be: two with one state."""

from __future__ import annotations

from pathlib import Path

from phoenix.spec.plain import Data, Found, mapping


def stack_mistakes(data: Data, directory: Path) -> Found:
    """What does not fit together in the stacks of the project in `directory`."""
    owners: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
    for name, content in mapping(data, "stacks").items():
        root = content.get("root") if isinstance(content, dict) else None
        if not isinstance(root, str):
            continue
        settings = mapping(content, "backend")
        state = (str(directory / root), tuple(sorted((str(key), str(value)) for key, value in settings.items())))
        other = owners.setdefault(state, name)
        if other != name:
            what = f"has the root and the backend of {other}, and so its state: each would destroy what the other made"
            yield ("stacks", name), f"{what}; accepted: a `backend` with another prefix, key or path"
