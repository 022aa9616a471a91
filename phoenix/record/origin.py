"""Where an order came from, as a build server says in the variables of the processes it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLES = {
    "build_url": "BUILD_URL",
    "build_tag": "BUILD_TAG",
    "git_commit": "GIT_COMMIT",
    "git_branch": "GIT_BRANCH",
    "change_author": "CHANGE_AUTHOR",
}
"""Each field of an origin, and the variable that says it. Jenkins sets them all; others may."""
LONGEST = 300
"""Characters of one that are kept: branches and authors are named by people, and every write of a run holds them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The build and the commit that an order came from: a line each, empty where nobody said."""

    build_url: str = ""
    build_tag: str = ""
    git_commit: str = ""
    git_branch: str = ""
    change_author: str = ""

    @property
    def build(self) -> str:
        """The build as it can be looked up: by its address, else by its name."""
        return self.build_url or self.build_tag


UNTOLD = Origin()
"""Nobody said anything."""


def origin_of(environment: Mapping[str, str]) -> Origin:
    """The origin that the variables of a process tell."""
    return Origin(**{name: _plain(environment.get(variable, "")) for name, variable in VARIABLES.items()})


def _plain(value: str) -> str:
    """One line of characters that can be printed, no longer than LONGEST; a password in an address is left out."""
    text = "".join(each if each.isprintable() else "?" for each in value.strip())
    text = re.sub(r"(?<=://)[^/@\s]*@", "", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
