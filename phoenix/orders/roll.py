"""Rolling: the image baked or found, the release made exact, planned, carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from phoenix.errors import HeldError, PhoenixError, RefusedError, SpecError
from phoenix.execute import hooks, secrets
from phoenix.execute.perform.watch import KEPT
from phoenix.manner import Survey
from phoenix.model import Image, ImageType, Release
from phoenix.orders import alarms, kinds, places, plan_file, planned, release, room, runs, turn
from phoenix.orders.bake import Bakery, Wanted
from phoenix.orders.places import Place
from phoenix.orders.planned import Decided, Planned
from phoenix.orders.serving import Serving, serving
from phoenix.orders.site import Site
from phoenix.orders.tend import make_way
from phoenix.plan.actions import Plan
from phoenix.plan.roll import roll
from phoenix.plan.roll_actions import CreateGroup, RollAction
from phoenix.record.journal import Run
from phoenix.spec.services import Strategy
from phoenix.spec.strategies import chosen, kind_of

KIND = "roll"
Surveyed = dict[str, Survey]
"""What successors of groups would lack, by the groups' names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RollOrder:
    """Bring a release live. What is left open: the newest image of today's recipe, the packages of phoenix.yaml.

    `packages` are `NAME=VERSION`; `same_packages`: those versions that serve now, whatever was published since;
    `bake` bakes the image first where it is missing or too old; `no_traffic` stops
    before the first traffic until somebody promotes; `adopt`: a group that phoenix did not make may lose its traffic;
    `ignore_alarms`: none of the strategy's is looked at, neither before it begins nor while it goes on;
    `wait`: seconds to wait for another run (None: not at all).
    """

    service: str
    environment: str | None = None
    image: str | None = None
    packages: tuple[str, ...] = ()
    same_packages: bool = False
    strategy: str | None = None
    bake: bool = False
    no_traffic: bool = False
    adopt: bool = False
    ignore_alarms: bool = False
    wait: float | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RollResult:
    """What serves now, and what it took. Without `changed` it ran already, and there is no run."""

    changed: bool
    subject: str
    why: str
    run: str | None
    state: str | None
    group: str | None
    former: str | None
    release: str
    image: str
    packages: dict[str, str]
    strategy: str
    baked: tuple[str, ...]
    serves: Serving | None = None
    """What serves now, and the way back; None where there was nothing to do, or nobody could be asked."""
    conffiles_kept: tuple[str, ...] = ()
    """Configuration files that the new machines have from their image, and otherwise than in the package installed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    """Everything that decides a roll but the world itself, which is looked at anew by every `decide`."""

    site: Site
    place: Place
    release: Release
    strategy: Strategy
    hold: bool
    adopt: bool
    digests: Mapping[str, str]
    baked: tuple[Image, ...] = ()
    """What was baked for it."""

    def decide(self, surveyed: Surveyed | None = None) -> Plan[RollAction]:
        """The plan on a fresh look. `surveyed` keeps what a successor would lack, which is asked once for one group."""
        service, environment = self.place.service, self.place.environment
        cloud, known = self.site.cloud(self.place.cloud), surveyed if surveyed is not None else {}
        with cloud.sight.look():
            observed = self.site.observed(self.place)
            live = observed.stable.name if observed.stable else None
            if live and live not in known:
                known[live] = cloud.groups.survey(live)
        return roll(
            service,
            environment,
            self.strategy,
            self.release,
            observed,
            self.digests,
            hold=self.hold,
            adopt=self.adopt,
            survey=known[live] if live else None,
        )

    def planned(self, order: RollOrder, plan: Plan[RollAction]) -> Planned[RollOrder]:
        """The plan with what decided it."""
        decided = Decided(kind=KIND, release=self.release, strategy=self.strategy, hold=self.hold, adopt=self.adopt)
        return Planned(order=order, plan=plan, decided=decided)

    @property
    def facts(self) -> dict[str, Any]:
        """The release and how it gets its traffic."""
        return {
            "release": self.release.id,
            "image": self.release.image_ref,
            "packages": {package.name: package.version for package in self.release.packages},
            "strategy": kind_of(self.strategy),
            "baked": tuple(image.ref for image in self.baked),
        }


def plan(site: Site, order: RollOrder) -> Planned[RollOrder]:
    """What the roll would do now; nothing is baked, published or served for it.

    Where images have to be baked first, those bakes alone.
    """
    place = places.named(site, order.service, order.environment)
    bakery = Bakery(site, place.cloud, Wanted(dry=True)) if order.bake else None
    layers = bakery.plans(bakery.lineage(place.service.image)) if bakery else ()
    bakes = tuple(layer.plan for layer in layers if not layer.hit)
    if bakes:
        return Planned(order=order, plan=None, bakes=bakes)
    wish = _wish(site, place, order, dry=True)
    decided = _with_own(place, room.told(site, place, wish.decide()))
    return wish.planned(order, replace(decided, notes=(*decided.notes, *_refusals(site, place, wish))))


def _refusals(site: Site, place: Place, wish: _Wish) -> Iterator[str]:
    """What the roll would be refused for as things are, beside a lack of room: a plan is shown all the same."""
    try:
        site.traffic(place).check()
    except RefusedError as error:
        yield f"the roll is refused as things are: {error.brief}; {error.details}"
    for alarm in alarms.ringing(site, place, wish.strategy.alarms):
        yield f"the alarm {alarm.name} rings: as long as it does the roll is refused"


def _with_own(place: Place, plan_now: Plan[RollAction]) -> Plan[RollAction]:
    """The plan with what the environment has over the service's own among its notes."""
    own = place.environment.own
    note = f"environment {place.environment.name}, over the service's own: {'; '.join(own)}"
    return replace(plan_now, notes=(*plan_now.notes, note)) if own else plan_now


def saved(site: Site, file: Path, order: RollOrder) -> Planned[RollOrder]:
    """The plan that `plan_file.write` has written for this service; it decides all the rest."""
    place = places.named(site, order.service, order.environment)
    return plan_file.read(file, order, KIND, place.subject)


def carry_out(site: Site, asked: RollOrder | Planned[RollOrder]) -> RollResult:
    """Do what is due for the service, then what the order asks; of a plan that was looked at exactly this.

    RefusedError where it is taken, stale or a guard says no; UndoneError where it failed and was undone; HeldError
    where it waits to be promoted: the error's facts tell run, state and, held, where to look at the candidate.
    """
    order = asked.order if isinstance(asked, Planned) else asked
    place = places.named(site, order.service, order.environment)
    runs.refuse_unusable(site, place)
    return turn.in_turn(site, place, order.wait, lambda: _carry_out(site, place, asked))


def _carry_out(site: Site, place: Place, asked: RollOrder | Planned[RollOrder]) -> RollResult:
    seen = isinstance(asked, Planned)
    order, surveyed = asked.order if isinstance(asked, Planned) else asked, Surveyed()
    with site.cloud(place.cloud).sight.look():  # the plan is made again, on another one, once the place is taken
        make_way(site, place, burns=not seen)  # a plan that was looked at would go stale by our own hand
        turn.refuse_taken(site, place)
        wish = _as_seen(site, place, asked) if isinstance(asked, Planned) else _wish(site, place, order, dry=False)
        plan_now = asked.plan if isinstance(asked, Planned) and asked.plan is not None else wish.decide(surveyed)
        if plan_now.empty:
            return _result(wish, plan_now, None)
        alarms.refuse_ringing(site, place, wish.strategy.alarms)
        room.refuse_lacking(site, place, plan_now)
    for note in () if seen else plan_now.notes:  # a plan that was looked at had its own, of how things were then
        site.say(f"note: {note}")
    try:
        again = partial(wish.decide, surveyed)
        run = runs.carry_out(site, place, kind=KIND, plan=plan_now, remade=again, why=order.why)
    except HeldError as held:
        held.know(_to_look_at(wish, plan_now))
        raise
    return _result(wish, plan_now, run)


def _wish(site: Site, place: Place, order: RollOrder, *, dry: bool) -> _Wish:
    """What the order means. `dry`: nothing is baked, published or served for it."""
    if order.bake and order.image:
        raise SpecError(
            "a roll cannot bake its image and be given one",
            details=f"image {order.image}",
            resolution="Give one of them.",
        )
    baked: tuple[Image, ...] = ()
    image: Image | None = None
    own = place.environment.strategy
    strategy = own if order.strategy is None else chosen(order.strategy, place.environment)
    strategy = replace(strategy, alarms=()) if order.ignore_alarms else strategy
    if order.bake and not dry:
        bakery = Bakery(site, place.cloud, Wanted())
        layers = bakery.bake(bakery.lineage(place.service.image))
        baked = tuple(layer.image for layer in layers if not layer.hit)
        image = layers[-1].image
    _refuse_unreadable(site, place)
    exact = release.resolve(
        site, place, image=order.image, packages=_packages(site, place, order), baked=image, dry=dry
    )
    kinds.refuse_unfit(site, place, exact)
    return _Wish(
        site=site,
        place=place,
        release=exact,
        strategy=strategy,
        hold=order.no_traffic,
        adopt=order.adopt,
        digests=hooks.digests(place.service, site.project.directory),
        baked=baked,
    )


def _packages(site: Site, place: Place, order: RollOrder) -> tuple[str, ...]:
    """The exact versions that the order means; of what it leaves open there is none among them."""
    if not order.same_packages:
        return order.packages
    stable = site.observed(place).stable
    serves = stable.release if stable else None
    if order.packages or serves is None:
        raise RefusedError(
            "there are no versions to keep",
            details=f"{place.subject}: nothing serves of which phoenix knows the packages"
            if serves is None
            else f"others are named: {', '.join(order.packages)}",
            resolution="Name the versions with `--package NAME=VERSION`.",
        )
    named = {wish.name for wish in place.service.packages}
    return tuple(f"{package.name}={package.version}" for package in serves.packages if package.name in named)


def _refuse_unreadable(site: Site, place: Place) -> None:
    """RefusedError where a secret of this computer cannot be read, as far as nothing has to be run to tell."""
    missing = tuple(secrets.unreadable(place.service.settings, site.project.directory))
    if missing:
        raise RefusedError(
            "a secret cannot be read",
            details="\n".join(missing),
            resolution="See that it is there, then roll again; nothing was begun.",
        )


def _as_seen(site: Site, place: Place, seen: Planned[RollOrder]) -> _Wish:
    """What a plan means. RefusedError where today it would be another plan, or could not be carried out."""
    if seen.plan is None or seen.decided is None or seen.decided.release is None or seen.decided.strategy is None:
        raise SpecError(
            "this plan only says what has to be baked first",
            details=f"bakes: {', '.join(bake.subject for bake in seen.bakes)}",
            resolution="Bake, then plan again; or carry out the order itself.",
        )
    wish = _Wish(
        site=site,
        place=place,
        release=seen.decided.release,
        strategy=seen.decided.strategy,
        hold=seen.decided.hold,
        adopt=seen.decided.adopt,
        digests=hooks.digests(place.service, site.project.directory),
    )
    planned.refuse_stale(seen.plan, wish.decide(), site.project.directory)
    if release.startable(site, place, wish.release, dry=False) != wish.release:
        raise planned.stale(seen.plan, "a repository has another address or key by now")
    return wish


def _result(wish: _Wish, done: Plan[RollAction], run: Run | None) -> RollResult:
    with wish.site.cloud(wish.place.cloud).sight.look():
        serves = serving(wish.site, wish.place, run) if run else None
        kept = _conffiles_kept(wish, serves.group) if serves else ()
    return RollResult(
        changed=run is not None,
        subject=done.subject,
        why=done.why,
        run=run.id if run else None,
        state=str(run.state) if run else None,
        group=serves.group if serves else None,
        former=serves.former if serves else None,
        serves=serves,
        conffiles_kept=kept,
        **wish.facts,
    )


def _conffiles_kept(wish: _Wish, group: str) -> tuple[str, ...]:
    """What one machine of the group told of it while it booted: its siblings have the same image and packages."""
    if wish.release.image_ref.startswith(f"{ImageType.IMMUTABLE}/"):
        return ()
    with suppress(PhoenixError):  # the roll has ended well, whether a console can be read or not
        groups = wish.site.cloud(wish.place.cloud).groups
        found = groups.find(group)
        for instance in found.staying[:1] if found else ():
            logs = groups.logs(instance.id)
            return tuple(dict.fromkeys(KEPT.findall(logs.get("boot") or logs.get("console", ""))))
    return ()


def _to_look_at(wish: _Wish, held: Plan[RollAction]) -> dict[str, Any]:
    """A held roll has something to look at: the candidate, at an address of its own."""
    created = [step.action.group for step in held.steps if isinstance(step.action, CreateGroup)]
    group, preview = (created[0] if created else None), None
    with suppress(PhoenixError):  # the run is held, whether the balancer answers now or not
        shown = wish.site.traffic(wish.place).preview(group) if group else None
        preview = shown.url if shown else None
    return {"group": group, "preview": preview, **wish.facts}
