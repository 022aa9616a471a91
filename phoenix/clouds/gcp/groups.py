"""The groups of a cloud on Google Cloud: a managed instance group each, with an instance template of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from phoenix.clock import Clock, SystemClock
from phoenix.clouds import rules
from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import labels, refusals
from phoenix.clouds.gcp.balancer import born_with, named_port
from phoenix.clouds.gcp.balancer.named_port import NamedPort
from phoenix.clouds.gcp.calls import Answer, Calls, RefusedCallError, StaleError
from phoenix.clouds.gcp.machines import autoscalers, boot, carried, group_reading, launch, pins, strays
from phoenix.clouds.gcp.machines.autoscalers import Autoscalers
from phoenix.clouds.gcp.machines.carried import Carried
from phoenix.clouds.gcp.machines.checks import Checks
from phoenix.clouds.gcp.machines.endings import Endings
from phoenix.clouds.gcp.machines.group_reading import Found
from phoenix.clouds.gcp.machines.homes import home_for
from phoenix.clouds.gcp.machines.looks import Looks
from phoenix.clouds.gcp.machines.startable import find_image
from phoenix.clouds.gcp.machines.successions import Successions
from phoenix.clouds.gcp.machines.templates import Templates
from phoenix.clouds.gcp.patience import briefly
from phoenix.errors import CloudError, UnreachableError
from phoenix.manner import Stray, Survey
from phoenix.model import Group, LaunchTemplate, MachineKind, Release
from phoenix.spec.clouds import GcpCloud
from phoenix.wait import Look, Verdict, retry_while_unknown, wait_for

FOLLOWS = 180.0
"""Seconds in which an autoscaler follows its minimum."""
LOOK = 2.0
"""Seconds between two looks."""
AGAIN = 5
"""So often a group that changes meanwhile is read, and decided on, again."""
_UNTOLD = (refusals.NOT_FOUND, refusals.NOT_READY)
"""What a machine without a console says of it."""


class GcpGroups:
    """Implements `clouds.api.Groups` with managed instance groups, of a region or of one zone."""

    def __init__(self, project: str, spec: GcpCloud, calls: Calls, clock: Clock | None = None) -> None:
        self._project = project
        self._spec = spec
        self._calls = calls
        self._clock = clock or SystemClock()
        self._templates = Templates(calls, project, self._clock)
        self._checks = Checks(calls, project, self._clock)
        self._scalers = Autoscalers(calls)
        self._looks = Looks(calls, project, spec.region, self._templates, self._scalers, self._clock)
        self._successions = Successions(calls, self._looks, self._scalers)
        self._endings = Endings(
            calls, self._looks, self._scalers, self._successions, self._templates, self._checks, self._clock
        )

    def list(self) -> tuple[Group, ...]:
        """Every group of this project in the region, with its machines as they are now."""
        return self._looks.all()

    def find(self, name: str) -> Group | None:
        """The group of that name, whosever it is, or None."""
        return self._looks.one(name)

    def strays(self, listed: tuple[Group, ...]) -> tuple[Stray, ...]:
        """Machines of the project in the region that somebody took out of their groups."""
        known = (machine.id for group in listed for machine in group.instances)
        return strays.found(self._calls, self._project, self._spec.region, known, self._clock.now())

    def survey(self, name: str) -> Survey:
        """What a successor of the group would lack, what is set aside, whether it is being updated."""
        live = self._successions.live(name)
        if live is None:
            return Survey()
        return Survey(not_carried=carried.not_carried(live), told=carried.told(live), busy=carried.busy(live))

    def refuse_unfit(self, release: Release, user_data: str, machine: MachineKind) -> None:
        """RefusedError where script and release are more than a machine's metadata take, or the disk less than the
        image.
        """
        boot.metadata(user_data, release)
        wanted = launch.machine_of(machine)
        if wanted.disk:
            launch.disk_size(wanted, find_image(self._calls, release.image))

    def barren(self, name: str) -> str:  # noqa: ARG002 (elsewhere somebody may delete what a group starts from)
        """Nothing: Google deletes no instance template that a group has."""
        return ""

    def create(self, group: Group, template: LaunchTemplate, *, between: Between = idle) -> None:
        """Make the group and what belongs to it; one that is half made is finished.

        It begins with its whole size; what the group it is `like` has of its own comes with it. Returns when Google has
        accepted it; its machines start meanwhile.
        """
        there = self._looks.found(group.name)
        gets = self._carried(group, template)
        if there is None:
            begins = launch.grown(launch.size_of(group, template), gets)
            self._make(group, replace(template, size=begins), gets, between)
            there = self._there(group.name)
        self._refuse_another(there)
        rules.refuse_other_release(self._read(there), group)
        self._finish(there, group, template, gets, between)

    def resize(self, name: str, size: int, *, between: Between = idle) -> None:
        """Make the group want `size` machines; of one with an autoscaler that works, the minimum is moved."""
        group = self._mine(name)
        if size > group.size:
            self._looks.remember_failures(group)
        between()
        self._resize(group, size, between)

    def end(self, name: str, instances: frozenset[str], *, size: int, between: Between = idle) -> None:
        """End exactly these and make the group want `size`; those that are gone, or go, are ended already."""
        group = self._mine(name)
        scaler = self._scalers.of(group)
        if _works(scaler) and int(autoscalers.policy_of(scaler).get("minNumReplicas", 0)) > size:
            self._scalers.change(group, policy={"minNumReplicas": size}, between=between)
        self._endings.end(group, instances, between)
        left = self._mine(name)
        if left.size != size:
            self._resize(left, size, between)

    def label(self, name: str, *, keep_until: datetime | None) -> None:
        """Write on the group until when it is kept; None takes the label off."""
        text = labels.moment(keep_until) if keep_until else ""
        self._label(name, lambda group: self._mine_still(group, {labels.KEEP_UNTIL: text}))

    def pin(self, name: str, *, until: datetime) -> None:
        """The autoscaler may only make the group larger from now on; what was before is written down first.

        Also where phoenix did not make the group. Said again it moves the pin's end.
        """
        group = self._there(name)
        scaler = self._scalers.of(group)
        pin = pins.taken(group, scaler)
        mode = {"mode": pins.PINNED} if pin.mode == "ON" else {}
        if group.made:
            self._label(name, lambda _group: pins.written(pin, until))
            if scaler and mode and autoscalers.policy_of(scaler).get("mode", "ON") != pins.PINNED:
                self._scalers.change(group, policy=mode)
        elif scaler:
            self._scalers.change(group, policy=mode, description=pins.described(pin, until))

    def unpin(self, name: str) -> None:
        """Give back exactly what the pin took: a mode and a minimum, where nobody has set others since."""
        group = self._looks.found(name)
        if group is None:
            return
        scaler = self._scalers.of(group)
        pin = pins.owed(group, scaler)
        if pin is None:
            return
        policy = pins.given_back(pin, autoscalers.policy_of(scaler)) if scaler else {}
        if group.made:
            if policy:
                self._scalers.change(group, policy=policy)
            self._label(name, lambda _group: dict.fromkeys(pins.KEYS, ""))
        elif scaler:
            self._scalers.change(group, policy=policy, description=pin.description)

    def logs(self, instance_id: str) -> Mapping[str, str]:
        """The machine's serial console, the newest megabyte of it; nothing where it is unknown."""
        zone = self._looks.zone_of(instance_id)
        if zone is None:
            return {}
        try:
            answer = self._calls.ask("instances", "getSerialPortOutput", zone=zone, instance=instance_id)
        except RefusedCallError as error:
            if error.said in _UNTOLD:
                return {}
            raise
        return {"console": str(answer.get("contents", ""))}

    def delete(self, name: str, *, adopt: bool = False, between: Between = idle) -> None:
        """End the group's machines, drained as its balancer does it; remove it and what it was born with.

        `adopt`: also a group that phoenix did not make; what it started from stays.
        """
        group = self._looks.found(name)
        if group is not None:
            self._refuse_another(group, adopt=adopt)
            self._endings.empty(group, between)
        between()
        born_with.remove(self._calls, self._spec.region, self._project, name, adopt=adopt, between=between)
        if group is not None:
            self._endings.remove(group, between)
        if group is None or group.made:
            self._endings.clear(name, between)

    def sweep(self) -> tuple[str, ...]:
        """Remove templates and checks of this project that no group has, in this region or another: they are global."""
        there = self._looks.names()
        return (*self._templates.sweep(there), *self._checks.sweep(there))

    def _make(self, group: Group, template: LaunchTemplate, gets: Carried, between: Between) -> None:
        image = find_image(self._calls, template.image)
        home = home_for(self._spec.region, template.zones)
        body = launch.template_body(group, template, image, self._spec)
        between()
        self._templates.make(body, between=between)
        between()
        self._checks.make(launch.check_body(group, template), between=between)
        between()
        held = launch.pin_labels(group, template, gets)
        managed = launch.manager_body(group, template, self._spec, home=home, pins=held, carried=gets)
        try:
            self._calls.change(home.managers, "insert", **home.place, body=managed, between=between)
        except RefusedCallError as error:
            if error.said != refusals.EXISTS:  # another process may have been faster
                raise

    def _finish(self, there: Found, group: Group, template: LaunchTemplate, gets: Carried, between: Between) -> None:
        """Give the group what it cannot be made with; again where that was broken off."""
        ports = named_port.found(template.born_with)
        if ports:
            between()
            self._name_ports(there, ports, between)
        policy = launch.policy_of(group, template, gets)
        if policy is not None and not there.autoscaler:
            between()
            body = launch.autoscaler_body(group, template, self._spec, home=there.home, policy=policy)
            self._scalers.make(there.home, body, between=between)

    def _name_ports(self, group: Found, ports: tuple[NamedPort, ...], between: Between) -> None:
        """Of the plain group: what a managed one is given when it is made is only shown by it."""
        place: Mapping[str, Any] = {**group.home.place, "instanceGroup": group.name}
        body = {"namedPorts": [{"name": each.name, "port": each.port} for each in ports]}
        self._calls.change(group.home.groups, "setNamedPorts", **place, body=body, between=between)

    def _carried(self, group: Group, template: LaunchTemplate) -> Carried:
        live = self._successions.live(template.like) if template.like else None
        if live is None:
            return carried.NOTHING
        return carried.carried(live, to=group.name, cpu=launch.size_of(group, template).cpu is not None)

    def _resize(self, group: Found, size: int, between: Between) -> None:
        scaler = self._scalers.of(group)
        if _works(scaler):
            self._move_bounds(group, scaler, size, between)
        elif group.size != size:
            place: Mapping[str, Any] = {**group.home.place, "instanceGroupManager": group.name}
            self._calls.change(group.home.managers, "resize", **place, size=size, between=between)
        self._looks.changed(group.name)

    def _move_bounds(self, group: Found, scaler: Answer | None, size: int, between: Between) -> None:
        """A managed group with an autoscaler is never resized: the minimum says what is wanted, and it follows."""
        policy = autoscalers.policy_of(scaler)
        least, most = int(policy.get("minNumReplicas", 0)), int(policy["maxNumReplicas"])
        wanted = {"minNumReplicas": size, "maxNumReplicas": max(most, size)}
        if wanted != {"minNumReplicas": least, "maxNumReplicas": most}:
            self._scalers.change(group, policy=wanted, between=between)
        if size > group.size:
            self._await_size(group.name, size, between)

    def _await_size(self, name: str, size: int, between: Between) -> None:
        def look() -> Look:
            try:
                now = self._there(name).size
            except UnreachableError as error:
                return retry_while_unknown(error)
            verdict = Verdict.PASS if now >= size else Verdict.UNKNOWN
            return Look(verdict=verdict, seen=f"its autoscaler wants {now} machines")

        what = f"{name} wanting {size} machines"
        wait_for(what, look, clock=self._clock, deadline=FOLLOWS, interval=LOOK, between=between)

    def _label(self, name: str, decide: Callable[[Found], Mapping[str, str]]) -> None:
        """Write labels for all machines of the group, on what was just read; they are written on none that runs.

        The SDK cannot take one off: an empty one means none.
        """
        for attempt in range(1, AGAIN + 1):
            group = self._there(name)
            wanted = decide(group)
            if all(group.labels.get(key, "") == value for key, value in wanted.items()):
                return
            config = {"properties": {"labels": {**group.labels, **wanted}}}
            body = {"fingerprint": group.fingerprint, "allInstancesConfig": config}
            place: Mapping[str, Any] = {**group.home.place, "instanceGroupManager": name}
            try:
                briefly(self._calls, self._calls.begin(group.home.managers, "patch", **place, body=body))
            except StaleError:
                if attempt == AGAIN:
                    raise
                continue
            return

    def _mine(self, name: str) -> Found:
        group = self._there(name)
        self._refuse_another(group)
        return group

    def _mine_still(self, group: Found, wanted: Mapping[str, str]) -> Mapping[str, str]:
        self._refuse_another(group)
        return wanted

    def _there(self, name: str) -> Found:
        group = self._looks.found(name)
        if group is None:
            raise CloudError(
                f"there is no group {name}",
                details=f"Google Cloud has no managed instance group of that name in {self._spec.region}",
                resolution="See `phoenix group list`.",
            )
        return group

    def _refuse_another(self, group: Found, *, adopt: bool = False) -> None:
        bare = group_reading.group(group, members=(), release=None, machines={}, pinned="", trouble=None)
        rules.refuse_another(bare, self._project, f"the region {self._spec.region} of one project", adopt=adopt)

    def _read(self, group: Found) -> Group:
        release = self._templates.release(group.template) if group.template else None
        return group_reading.group(group, members=(), release=release, machines={}, pinned="", trouble=None)


def _works(autoscaler: Answer | None) -> bool:
    """Whether there is an autoscaler that decides the group's size; one that is off leaves that to others."""
    return autoscaler is not None and autoscalers.policy_of(autoscaler).get("mode", "ON") != autoscalers.OFF
