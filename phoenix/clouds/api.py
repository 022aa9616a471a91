"""What phoenix asks of a cloud: images, groups and traffic, in a handful of verbs each.

The rules all of them keep (one contract suite tests them for every cloud):

- *Unknown is not no*: None means "the cloud says it is not there"; anything else raises `CloudError`.
- *Twice is once*: each verb may be said again and then changes nothing.
- *Set, then verify*: a verb returns when the cloud has accepted the write; whoever needs the effect reads it back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from phoenix.clouds.sight import Sight
from phoenix.manner import Abilities, Alarm, Finding, Manner, Preview, Stray, Survey
from phoenix.model import (
    Group,
    Image,
    ImageType,
    LaunchTemplate,
    MachineKind,
    Package,
    Place,
    Proof,
    Release,
    Route,
    Source,
    TestResult,
)

Say = Callable[[str], None]
"""Hears one line of progress: a tool's last line, a state that changed."""
Between = Callable[[], None]
"""Called again and again during long work: keeps a lease, and raises where the work is to end."""


def idle() -> None:
    """What is done between two rounds where nobody has to be kept waiting, or asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BakeRequest:
    """Everything one layer's bake needs."""

    image_id: str
    type: ImageType
    name: str
    key: str
    parent: str | None
    """The parent image's id; None for a layer that starts from the vendor's base."""
    base: str
    """What `Images.base` said that the lowest layer starts from: what its key counts, whenever it is built."""
    builder: str
    """One of the cloud's `abilities.builders`."""
    workspace: Path
    """The recipe laid out as files: playbook tree, variables, Packer template."""
    fresh: bool
    """Start the lowest layer from the distribution's mirror itself, not from what is cached of it."""
    packages: tuple[Package, ...]
    source: Source
    created: datetime
    vault: bytes = field(default=b"", repr=False)
    """The password of Ansible Vault, where the recipe needs it: for the playbook alone, by no argument and no file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """The Packer template of a cloud's builder, with the values of its variables that phoenix.yaml knows."""

    file: str
    """Below `templates/`."""
    plugin: str
    """Packer's, by its name."""
    variables: Mapping[str, Any]
    """Text, numbers, lists and maps of such; None where nobody knows the value yet."""
    stand_ins: Mapping[str, str]
    """What is written for a value that nobody knows, for a person to fill in."""


class Images(Protocol):
    """A cloud's images: made, proven, shown, deleted."""

    @property
    def shared(self) -> bool:
        """Whether machines of other projects may start from them: nobody here knows then who needs one."""
        ...

    def list(self) -> tuple[Image, ...]:
        """Every whole image phoenix made here for this project, newest first; one under way is not among them."""
        ...

    def find(self, image_id: str) -> Image | None:
        """The image of that id, or None where the cloud says there is none."""
        ...

    def whereabouts(self, image_id: str) -> Mapping[str, str]:
        """Where the cloud keeps the image, for people: what is there, by what it is."""
        ...

    def base(self, wanted: str) -> str:
        """What `base` of a recipe means here now, exactly: a part of the lowest layer's content key."""
        ...

    def build(self, request: BakeRequest, *, log: Path, say: Say, between: Between) -> Image:
        """Make the image (unverified). Raises ToolError where a tool failed; nothing is left then.

        `between` is called every few seconds at least; where it raises, the bake is broken off.
        """
        ...

    def proof(self, say: Say) -> Proof:
        """How images are verified here where nobody says it: as the machines are that will start from them."""
        ...

    def refuse_unproven(self, image: Image) -> None:
        """Raise RefusedError where this cloud's machines need more than `image` was verified on."""
        ...

    def verify(
        self, image: Image, tests: tuple[str, ...], *, on: Proof, log: Path, say: Say, between: Between
    ) -> tuple[TestResult, ...]:
        """Start `image` once, run the built-in tests and `tests` in it, tell each result; the machine is gone after.

        Its console is kept beside `log`. Raises ToolError where it did not boot so far that tests could run.
        """
        ...

    def mark_verified(
        self, image: Image, tests: tuple[TestResult, ...], *, on: Proof, between: Between = idle
    ) -> Image:
        """Make the image visible to rolls, with its test results, and how it came to them, in its manifest.

        `between` is called before each write.
        """
        ...

    def delete(self, image_id: str) -> None:
        """Remove the image; one that is not there is removed already."""
        ...

    def discard(self, image_id: str) -> None:
        """Remove what this process's unfinished bake of the image made, the way back of `build`.

        A verified image stays, and so does one that another process is at work on: neither is this bake's.
        """
        ...

    def sweep(self) -> tuple[str, ...]:
        """Remove what bakes that died left here (files, machines); say what it was. Never touches a live bake's."""
        ...


class Groups(Protocol):
    """A cloud's managed sets of machines.

    No verb that writes acts by name alone: the group's labels are read first, and one that phoenix did not make for
    this project is RefusedError, for all but `pin` and `unpin`, which keep it from shrinking while it serves.
    """

    def list(self) -> tuple[Group, ...]:
        """Every group phoenix made here for this project, with its instances, freshly read."""
        ...

    def find(self, name: str) -> Group | None:
        """The group of that name, freshly read, or None; also one that phoenix did not make (`made` is False)."""
        ...

    def strays(self, listed: tuple[Group, ...]) -> tuple[Stray, ...]:
        """Machines that bear the labels of a group of this project and are in none; `listed` are its groups as of now.

        They are told, and ended by nobody unasked: whoever took one out may need it.
        """
        ...

    def survey(self, name: str) -> Survey:
        """What a successor of the group would lack (`LaunchTemplate.like`), and what is going on in it. Looks only."""
        ...

    def refuse_unfit(self, release: Release, user_data: str, machine: MachineKind) -> None:
        """RefusedError where no such machine could start here with that release and boot work. Changes nothing."""
        ...

    def barren(self, name: str) -> str:
        """Why the group can start no machine any more, such as a template that is gone; empty where nothing says so.

        Looks only, afresh: what keeps single machines from starting just now is the group's `trouble`.
        """
        ...

    def create(self, group: Group, template: LaunchTemplate, *, between: Between) -> None:
        """Make `group` (instances and all). One of that name with the same release is done; another is CloudError.

        `between` is called again and again; where it raises, creating is broken off and may be said again.
        """
        ...

    def resize(self, name: str, size: int, *, between: Between) -> None:
        """Make the group want `size` instances; new ones start from the group's own launch template."""
        ...

    def end(self, name: str, instances: frozenset[str], *, size: int, between: Between) -> None:
        """End exactly these instances and make the group want `size` from now on.

        Where the group's manager drains it lets them finish their requests first: until then they are LEAVING.
        """
        ...

    def label(self, name: str, *, keep_until: datetime | None) -> None:
        """Write on the group until when it is kept; None takes the label off."""
        ...

    def pin(self, name: str, *, until: datetime) -> None:
        """Keep whatever changes sizes by itself from making the group smaller; it may still make it larger.

        `until` is written on the group: whoever finds it over gives the pin back.
        """
        ...

    def unpin(self, name: str) -> None:
        """Give the pin back; a group without one, or none, is as it should be."""
        ...

    def logs(self, instance_id: str) -> Mapping[str, str]:
        """What a machine said: `console`, `boot` and `service`, as far as it can be had.

        `listening`, where that is known: why the balancer does not reach its port, in a line.
        """
        ...

    def delete(self, name: str, *, adopt: bool = False, between: Between = idle) -> None:
        """End the group's machines, drained where its manager does that, and remove it; none there is done.

        `adopt`: also one that phoenix did not make, without what stood before it (its policies and schedules go with
        it; a launch template, a target group stay). Another project's group is refused all the same.
        """
        ...

    def sweep(self) -> tuple[str, ...]:
        """Remove what machines that are no group's any more left here; say what it was."""
        ...


class Traffic(Protocol):
    """The load balancer of one service in one environment.

    Each verb that writes calls `between` before each of its writes, and is broken off where it raises.
    """

    @property
    def manner(self) -> Manner:
        """How it behaves: on one cloud a URL map and a backend service differ."""
        ...

    def read(self, of: Collection[str] | None = None) -> Route:
        """The balancer's own view, freshly read: shares, its health verdicts, requests under way.

        `of`: the groups whose health is wanted, none or some; None: of all. Of the others it says no more than their
        shares where health is a question for each group.
        """
        ...

    def prepare(self, group: Group, *, between: Between = idle) -> tuple[str, ...]:
        """Make what a group has to be born with to be checked from its first moment; it is part of its template."""
        ...

    def attach(self, group: Group, *, between: Between = idle) -> None:
        """Make the balancer know and check the group's instances, at share 0; again after a resize."""
        ...

    def retire(self, group: Group, instances: frozenset[str]) -> bool:
        """Give these instances of the group no new request; the route shows what they still answer (`leaving`).

        False: nothing was done, the group's manager drains instances when it ends them.
        """
        ...

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        """Give each attached group its share (sum 100) in one write; groups not named get 0.

        No shares at all put back what the rule said before phoenix. `seen` is the route that this was decided on:
        StaleRouteError where it is another by now, as far as the balancer can tell.
        """
        ...

    def preview(self, group: str) -> Preview | None:
        """Where the group alone answers, traffic or not; None where it does not."""
        ...

    def check(self, *, back: bool = False) -> None:
        """Raise RefusedError where the balancer could not take requests at its address, or has no room for a group.

        `back`: before going back to what served, which is refused only where it is impossible. Changes nothing.
        """
        ...

    def detach(self, group: str, *, between: Between = idle) -> None:
        """Make the balancer forget the group; refused (CloudError) while it has a share."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a roll needs at most beside what serves."""

    machine: MachineKind
    machines: int
    """So many more, in one group more."""
    live: int
    """So many serve."""
    place: Place | None = None
    """Whose they are."""


class Cloud(Protocol):
    """One cloud of `phoenix.yaml`, ready to be asked."""

    @property
    def name(self) -> str:
        """The cloud, as phoenix.yaml names it."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What it can do."""
        ...

    @property
    def sight(self) -> Sight:
        """What a look at its groups and balancers shares: within one look nothing is asked twice."""
        ...

    def builder(self, say: Say) -> str:
        """The builder where nobody names one, of `abilities.builders`; RefusedError where a trial could not tell."""
        ...

    @property
    def images(self) -> Images:
        """Its images."""
        ...

    @property
    def groups(self) -> Groups:
        """Its groups."""
        ...

    def traffic(self, place: Place) -> Traffic:
        """The balancer of one service in one environment."""
        ...

    def template(self, *, base: str | None, parent: str | None) -> Template:
        """What Packer makes an image here from. `base`: what the recipe starts from, None where it does not say.

        `parent`: the id of the image below, empty where it is not known; None for the lowest layer.
        """
        ...

    def url_for_machines(self, url: str) -> str:
        """`url`, as phoenix reaches it, as machines of this cloud reach it. RefusedError where they cannot."""
        ...

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]:
        """The alarms of those names as they are now, all in one call; one that there is not is left out."""
        ...

    def room(self, need: Need) -> tuple[Finding, ...]:
        """Whether there is room for that: quotas, addresses. A lack is certain; what may not be seen is a note.

        Looks only. Nothing where nobody counts.
        """
        ...

    def check(self, *, rights: bool = False) -> tuple[Finding, ...]:
        """What is there of what it needs; with `rights` also whether phoenix may do its work. Changes nothing."""
        ...

    def policy(self) -> Mapping[str, Any]:
        """The least rights that phoenix needs, in the cloud's own words by kind of work; empty where it needs none."""
        ...

    def mend(self, place: Place) -> tuple[str, ...]:
        """Bring back what of phoenix's own has died there, a balancer with the route it had; what was done."""
        ...

    def tidy(self, needed: frozenset[Place]) -> tuple[str, ...]:
        """End what of phoenix's own runs for any place but these, and has no group; what was ended."""
        ...

    def running(self) -> tuple[str, ...]:
        """What `stop` would end, in words. Looks only."""
        ...

    def stop(self) -> tuple[str, ...]:
        """End what the project has running on this computer for it; what that was. Nothing where it runs elsewhere."""
        ...
