"""The digest of a template found by its files alone: reckoning a content key needs no template engine."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from phoenix import data

_STATEMENT = r"\{%[-+]?\s*(?:include|import|extends|from)\b(.*?)%\}"
_PLAIN = r"""\s*(['"])(?P<name>[^'"{}]+)\1(?:\s+[\w\s,]*)?[-+]?"""
"""The rest of a statement that names its template in plain text."""


def digest(name: str, project: Path | None) -> str:
    """SHA-256 over the contents of template `name` and of every template it includes: that of `Renderer.digest`.

    `project` is the directory of `phoenix.yaml`. SpecError where there is no such template, or it includes one whose
    name is not written out.
    """
    names = [name]
    total = hashlib.sha256()
    for current in names:  # grows while it is walked
        source = _source(current, project)
        included = None if source is None else _included(source)
        if source is None or included is None:
            from phoenix.tools.render import Renderer  # which understands all of it, and tells what is wrong

            return Renderer(project).digest(name)
        total.update(hashlib.sha256(source.encode()).digest())
        names += sorted(included - set(names))
    return total.hexdigest()


def _source(name: str, project: Path | None) -> str | None:
    if ".." in name.split("/") or name.startswith("/"):
        return None
    own = [project / "templates" / name] if project else []
    try:
        return next(file for file in (*own, data.path("templates", name)) if file.is_file()).read_text("utf-8")
    except (StopIteration, OSError, UnicodeDecodeError):
        return None


def _included(source: str) -> set[str] | None:
    """The templates that the statements of a template name; None where one does not do so in plain text."""
    found = [re.fullmatch(_PLAIN, rest) for rest in re.findall(_STATEMENT, source, re.DOTALL)]
    names = {plain["name"] for plain in found if plain}
    return names if all(found) else None
