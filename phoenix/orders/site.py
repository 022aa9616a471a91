"""A site: one project, opened. Here alone stores and the clock are picked; clouds are by the table in `clouds`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clock import Clock, SystemClock
from phoenix.model import Observed
from phoenix.orders import clouds as kinds_of_clouds
from phoenix.orders.clouds import Clouds, open_cloud
from phoenix.spec.load import home, load, load_stacks
from phoenix.spec.project import Project
from phoenix.spec.stack_refs import Outputs
from phoenix.tell import Level, Teller, Told, nobody, unfailing

if TYPE_CHECKING:  # each part is loaded when it is first asked for: a bake that is a hit needs no store
    from phoenix.clouds.api import Cloud, Traffic
    from phoenix.execute.children import Apart, Ended, Hear
    from phoenix.execute.probe import Probe
    from phoenix.execute.repositories import Writer
    from phoenix.orders.places import Place
    from phoenix.record.history import History
    from phoenix.record.store import Store
    from phoenix.stacks import Output
    from phoenix.wait import Look


def _ask(url: str, *, clock: Clock, status: int = 200) -> Look:
    from phoenix.execute.probe import probe

    return probe(url, clock=clock, status=status)


def _apart(
    commands: Mapping[str, tuple[str, ...]], *, environment: Mapping[str, str], clock: Clock, hear: Hear
) -> Mapping[str, Ended]:
    from phoenix.execute import children

    return children.run(commands, environment=environment, clock=clock, hear=hear)


def _store(state: str, directory: Path, environment: Mapping[str, str]) -> Store:
    """The store of a state; `directory` is where it is kept where it is on this computer."""
    if "://" in state:
        from phoenix.record.objects import ObjectStore

        return ObjectStore.open(state, environment)
    from phoenix.record.sqlite import SqliteStore

    return SqliteStore(directory / "state.db")


def recorded(file: Path, environment: Mapping[str, str]) -> Outputs:
    """What the stacks of the project in `file` give out, by its record. That is looked for when it is first asked."""

    @cache
    def of(stack: str) -> tuple[Output, ...] | None:
        from phoenix.record.stacks import StackRecords

        place = home(file, environment)
        if "://" not in place.state and not (place.directory / "state.db").exists():
            return None
        record = StackRecords(_store(place.state, place.directory, environment)).of(stack)
        return record.outputs if record else None

    return of


class Site:
    """What an order works with, made when it is first asked for."""

    def __init__(
        self,
        project: Project,
        environment: Mapping[str, str],
        teller: Teller = nobody,
        *,
        clock: Clock | None = None,
        clouds: Clouds = open_cloud,
        ask: Probe = _ask,
        apart: Apart = _apart,
    ) -> None:
        """`environment`: the variables of the process that asks. `ask` makes one request to a service.

        `apart` runs commands of phoenix side by side, each in a process of its own.
        """
        self.project = project
        self.environment = environment
        self.tell = unfailing(teller)
        self.clock = clock or SystemClock()
        self.ask = ask
        self.apart = apart
        self._open = clouds
        self._clouds: dict[str, Cloud] = {}

    @classmethod
    def open(
        cls,
        file: Path,
        environment: Mapping[str, str],
        teller: Teller = nobody,
        *,
        clock: Clock | None = None,
        clouds: Clouds = open_cloud,
        ask: Probe = _ask,
        apart: Apart = _apart,
    ) -> Site:
        """The site of the `phoenix.yaml` in `file`; SpecError with every mistake of it.

        `${NAME}` in it refers to `environment`. `teller` hears of the work as it goes on.
        """
        project = load(file, environment, recorded(file, environment))
        return cls(project, environment, teller, clock=clock, clouds=clouds, ask=ask, apart=apart)

    @classmethod
    def of_stacks(cls, file: Path, environment: Mapping[str, str], teller: Teller, stack: str | None) -> Site:
        """The site with the stacks alone, whatever the rest of the file lacks; `stack` is the one that is meant."""
        return cls(load_stacks(file, environment, recorded(file, environment), stack), environment, teller)

    @cached_property
    def store(self) -> Store:
        """The project's state: a bucket, or a file in the state directory. SpecError where it names no bucket."""
        return _store(self.project.state, self.project.state_directory, self.environment)

    @cached_property
    def history(self) -> History:
        """What the record remembers."""
        from phoenix.record.history import History

        return History(self.store)

    @property
    def run_logs(self) -> Path:
        """The directory with a directory of files per run."""
        return self.project.state_directory / "runs"

    def say_logs(self, run_id: str) -> None:
        """Tell where the steps of a run log to: what runs without anybody looking on is looked up there."""
        self.say(f"{run_id} logs to {self.run_logs / run_id}")

    @cached_property
    def writers(self) -> dict[str, Writer]:
        """The right to write to each repository, by its name."""
        from phoenix.execute.repositories import Writer

        specs = self.project.repositories
        return {
            name: Writer(spec, clock=self.clock, say=self.say, environment=self.environment)
            for name, spec in specs.items()
        }

    def cloud(self, name: str) -> Cloud:
        """The cloud of that name."""
        if name not in self._clouds:
            self._clouds[name] = self._open(self.project, self.project.cloud(name))
        return self._clouds[name]

    def traffic(self, place: Place) -> Traffic:
        """The balancer of a place."""
        return self.cloud(place.cloud).traffic(place.name)

    def observed(self, place: Place) -> Observed:
        """The service in the environment, as it is now."""
        from phoenix import observe

        return observe.service(self.cloud(place.cloud), place.name, self.history)

    def say(self, text: str) -> None:
        """Tell a step of the work."""
        self.tell(Told(level=Level.SAY, text=text))

    def warn(self, text: str) -> None:
        """Tell what somebody should look at, although the work goes on."""
        self.tell(Told(level=Level.WARN, text=text))

    def group_names(self) -> Iterator[str]:
        """The names of the groups on this computer, without a look at any machine: for who completes words."""
        return kinds_of_clouds.group_names(self.project)

    def instance_names(self) -> Iterator[str]:
        """The names of the machines on this computer, in the same way."""
        return kinds_of_clouds.instance_names(self.project)

    def package_names(self, begun: str) -> Iterator[str]:
        """The packages of services; where `begun` is `NAME=...` its versions on this computer, newest first."""
        from phoenix.execute import repositories

        wishes = {wish.name: wish for service in self.project.services.values() for wish in service.packages}
        name, equals, _version = begun.partition("=")
        if not equals:
            yield from sorted(wishes)
        elif name in wishes:
            spec = self.project.repository(wishes[name].repository)
            shown = repositories.visible(spec) if repositories.is_loopback(spec.url) else ()
            yield from (f"{name}={entry.deb.version}" for entry in shown if entry.deb.name == name)
