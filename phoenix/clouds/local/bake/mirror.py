"""Which Debian mirror this machine uses itself: the nearest one somebody has already chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from phoenix.spec.clouds import LocalCloud

DEFAULT_MIRROR = "http://deb.debian.org/debian"
_SUITES = ("bookworm", "bullseye", "trixie", "stable", "oldstable", "testing", "sid", "unstable")
_ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$", re.MULTILINE)


def configured_mirror(apt: Path = Path("/etc/apt")) -> str:
    """The first Debian mirror in apt's sources; `DEFAULT_MIRROR` where they name none or cannot be read.

    One with a name and password in it is passed over: the mirror's address stands in logs and keys.
    """
    for uri, suite, components in _sources(apt):
        plain = suite in _SUITES and "main" in components
        if plain and re.fullmatch(r"https?://[^\s@'\"\\]+", uri):
            return uri.rstrip("/")
    return DEFAULT_MIRROR


def mirror_of(spec: LocalCloud) -> str:
    """The mirror that images of the cloud start from."""
    return spec.mirror or configured_mirror()


def _sources(apt: Path) -> Iterator[tuple[str, str, list[str]]]:
    parts = apt / "sources.list.d"
    for file in (apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))):
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        yield from _deb822(text) if file.suffix == ".sources" else _one_line(text)


def _one_line(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for found in _ONE_LINE.finditer(text):
        yield found["uri"], found["suite"], found["components"].split()


def _deb822(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for paragraph in re.split(r"\n\s*\n", text):
        fields = {
            key.strip().lower(): value.split()
            for key, _colon, value in (line.partition(":") for line in paragraph.splitlines() if line[:1].isalpha())
        }
        if "deb" not in fields.get("types", []) or fields.get("enabled", ["yes"])[:1] == ["no"]:
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield uri, suite, fields.get("components", [])
