"""What one run of the command line carries: the global options, the output, the way to the site."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from phoenix.cli.output import Output
from phoenix.errors import SpecError
from phoenix.tell import Teller
from phoenix.units import as_text, is_text

if TYPE_CHECKING:
    import typer

    from phoenix.orders.site import Site

PROJECT_FILE = "phoenix.yaml"


Opener = Callable[[Path, Mapping[str, str], Teller], "Site"]


def _opened(file: Path, environment: Mapping[str, str], teller: Teller) -> Site:
    from phoenix.orders.site import Site  # a command's own: `phoenix --help` opens no site

    return Site.open(file, environment, teller)


@dataclass(kw_only=True)
class Session:
    """One run of the command line. The options are set while the arguments are read, then left alone."""

    json: bool = False
    """Stdout holds exactly one JSON object."""
    verbosity: int = 0
    """-1 quiet, 0 normal, 1 and more: what tools print, too."""
    no_color: bool = False
    wanted_directory: Path | None = None
    """What `-C` said."""
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    """The environment that `${NAME}` in phoenix.yaml refers to."""

    stdout: IO[str] | None = None
    """Where the result goes; None: to this process's own."""
    opener: Opener = _opened
    """What opens a site; a test hands in one with a cloud of its own."""

    @cached_property
    def out(self) -> Output:
        """Where everything is said. First used after the options are known."""
        return Output(json=self.json, verbosity=self.verbosity, color=not self.no_color, stdout=self.stdout)

    @property
    def verbose(self) -> bool:
        """Whether `-v` was given."""
        return self.verbosity > 0

    @cached_property
    def site(self) -> Site:
        """The site of `-C`, `$PHOENIX_PROJECT` or the nearest parent; SpecError where it is missing or wrong."""
        return self.open_site()

    def open_site(self) -> Site:
        """The same, read anew."""
        return self.opener(self.found_file(), self.environment, self.out.tell)

    def ground(self, stack: str | None) -> Site:
        """The stacks of the project alone, which come before all that stands on them; `stack` is the one meant."""
        from phoenix.orders.site import Site

        return Site.of_stacks(self.found_file(), self.environment, self.out.tell, stack)

    def found_file(self) -> Path:
        """The project's file, unread; SpecError where there is none."""
        file = self.project_file()
        if file is None:
            raise SpecError(
                f"there is no {PROJECT_FILE} here",
                details=f"looked in {Path.cwd()} and every directory above it",
                resolution="Go into a project, name one with -C DIR, or make one with `phoenix init DIR`.",
            )
        return file

    def project_file(self) -> Path | None:
        """The project's file, unread; None where no directory was named and no parent has one.

        Raises SpecError where `-C` or `$PHOENIX_PROJECT` names a directory without one.
        """
        named = self.wanted_directory or self.environment.get("PHOENIX_PROJECT")
        if not named:
            here = Path.cwd()
            return next((d / PROJECT_FILE for d in (here, *here.parents) if (d / PROJECT_FILE).is_file()), None)
        file = Path(named).expanduser().absolute() / PROJECT_FILE
        if not file.is_file():
            origin = "-C" if self.wanted_directory else "$PHOENIX_PROJECT"
            raise SpecError(
                f"there is no {PROJECT_FILE} in {named}",
                details=f"{origin} names this directory",
                resolution="Name the directory that has it, or make a project there with `phoenix init`.",
            )
        if not is_text(str(file)):
            raise SpecError(
                "the project's path is not in UTF-8",
                details=as_text(str(file)),
                resolution="Rename its directories: the record and the plans, which are UTF-8, name them.",
            )
        return file


def session_of(ctx: typer.Context) -> Session:
    """The session that a command runs in."""
    session = ctx.find_object(Session)
    assert session is not None, "main() puts it there"
    return session
