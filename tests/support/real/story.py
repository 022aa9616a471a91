"""One story on a cloud, wherever that is: baked, rolled under load, broken, killed and resumed.

`tests/e2e/test_aws.py` and `test_gcp.py` tell it to emulators, `make test-aws` and `make test-gcp` to accounts. What
differs is the `Place`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.support.real.machines import until
from tests.support.real.shell import Shell


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What clients were told while the story went on."""

    sent: int
    answered: int
    failures: tuple[str, ...]
    """Why requests failed, one by one."""


class Place(Protocol):
    """A project with a service on a cloud, and where clients reach it."""

    @property
    def shell(self) -> Shell:
        """Phoenix in the project's directory."""
        ...

    @property
    def service(self) -> str:
        """Its one service, in the environment `prod`."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """The images that have to be baked for it, the lowest first."""
        ...

    @property
    def word(self) -> str:
        """What its balancer says of machines that do not answer, in its own words."""
        ...

    def released(self, version: str, *, broken: bool = False) -> tuple[str, ...]:
        """Make that version of the app something to roll to; the options of `roll` that ask for it."""
        ...

    def answer(self) -> str:
        """What a client is told now."""
        ...

    def asking(self, out: Path) -> AbstractContextManager[Callable[[], Asked]]:
        """Clients ask steadily while this holds; what is given ends them and tells what came of it."""
        ...


def shares(place: Place) -> dict[str, int]:
    """The groups that get traffic, with their shares, as `status` tells."""
    groups = place.shell.run("status", place.service)["services"][0]["groups"]
    return {group["name"]: group["share"] for group in groups if group["share"]}


def groups(place: Place) -> list[str]:
    """The groups that stand."""
    return [group["name"] for group in place.shell.run("group", "list")["groups"]]


def play(place: Place, directory: Path, patience: float = 120.0) -> Asked:
    """The whole story; what clients saw of it. `patience`: seconds until a candidate stands."""
    _bake(place)
    _roll(place, "1.0.0")
    assert place.answer().startswith("Hello from hello 1.0.0")
    second = f"{place.service}-prod-v002"
    with place.asking(directory / "load.json") as finish:
        _roll(place, "2.0.0")
        assert shares(place) == {second: 100}
        assert place.answer().startswith("Hello from hello 2.0.0")
        failed = _roll(place, "3.0.0", broken=True, code=6)["error"]
        assert failed["brief"].endswith(f"{place.service}-prod-v003 never became healthy")
        assert place.word in failed["details"], failed
        assert (shares(place), groups(place)) == ({second: 100}, [second])
        _kill(place, "4.0.0", patience)
        assert place.shell.run("resume", place.service)["run"]["state"] == "done"
        assert place.answer().startswith("Hello from hello 4.0.0")
        return finish()


def _bake(place: Place) -> None:
    wish = place.layers[-1].split("/")
    baked = place.shell.run("bake", *wish, timeout=3600)
    assert tuple(layer["image"] for layer in baked["layers"]) == place.layers
    assert place.shell.run("bake", *wish)["baked"] == 0


def _roll(place: Place, version: str, *, broken: bool = False, code: int = 0) -> dict[str, Any]:
    options = place.released(version, broken=broken)
    return place.shell.run("roll", place.service, *options, code=code, timeout=1800)


def _kill(place: Place, version: str, patience: float) -> None:
    """Roll to that version, and let nobody carry it out any more when its candidate stands."""
    process = place.shell.start("roll", place.service, *place.released(version))
    try:
        # a look is a whole command, which keeps a processor busy that the roll needs
        until("its candidate", lambda: len(groups(place)) == 2, deadline=patience, interval=0.5)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
