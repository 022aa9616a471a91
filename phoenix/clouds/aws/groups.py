"""The groups of a cloud on AWS: an Auto Scaling group each, with a launch template of its own, known by their tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from phoenix.clock import Clock, SystemClock, rfc3339
from phoenix.clouds import rules
from phoenix.clouds.api import Between, idle
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.balancer import born_with
from phoenix.clouds.aws.calls import Calls, RefusedCallError
from phoenix.clouds.aws.machines import carried, group_reading, launch, pins, strays, user_data
from phoenix.clouds.aws.machines.carried import Carried
from phoenix.clouds.aws.machines.endings import Endings
from phoenix.clouds.aws.machines.group_reading import Found
from phoenix.clouds.aws.machines.launch_templates import LaunchTemplates
from phoenix.clouds.aws.machines.looks import Looks
from phoenix.clouds.aws.machines.startable import find_ami
from phoenix.clouds.aws.machines.successions import Successions
from phoenix.errors import CloudError
from phoenix.manner import Stray, Survey
from phoenix.model import Group, LaunchTemplate, MachineKind, Release
from phoenix.spec.clouds import AwsCloud
from phoenix.wait import Look, Verdict, retry_while_unknown, wait_for

SEEN = 60.0
"""Seconds until AWS shows everybody what it has just made: usually at once."""
LOOK = 2.0
"""Seconds between two looks."""
_EXISTS, _UNKNOWN_MACHINE = "AlreadyExists", ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")


class AwsGroups:
    """Implements `clouds.api.Groups` with EC2 Auto Scaling."""

    def __init__(self, project: str, spec: AwsCloud, calls: Calls, clock: Clock | None = None) -> None:
        self._project = project
        self._spec = spec
        self._calls = calls
        self._clock = clock or SystemClock()
        self._templates = LaunchTemplates(calls, project, self._clock)
        self._looks = Looks(calls, project, self._templates, self._clock)
        self._successions = Successions(calls)
        self._endings = Endings(calls, self._looks, self._successions, self._clock)

    def list(self) -> tuple[Group, ...]:
        """Every group of this project, with its machines as they are now."""
        return self._looks.all()

    def find(self, name: str) -> Group | None:
        """The group of that name, whosever it is, or None."""
        return self._looks.one(name)

    def strays(self, listed: tuple[Group, ...]) -> tuple[Stray, ...]:
        """Machines of the project that somebody detached from their groups."""
        known = (machine.id for group in listed for machine in group.instances)
        return strays.found(self._calls, self._project, known, self._clock.now())

    def survey(self, name: str) -> Survey:
        """What a successor of the group would lack, who of its machines is set aside, whether it is being refreshed."""
        live = self._successions.live(name)
        if live is None:
            return Survey()
        return Survey(not_carried=carried.not_carried(live), told=carried.told(live), busy=carried.busy(live))

    def refuse_unfit(self, release: Release, user_data: str, machine: MachineKind) -> None:
        """RefusedError where script and release are more than EC2 takes as user data, or the disk less than the AMI."""
        _refuse_unfit(release, user_data)
        wanted = launch.machine_of(machine)
        if wanted.disk:
            launch.disk_size(wanted, find_ami(self._calls, release.image))

    def barren(self, name: str) -> str:
        """That its launch template is gone, as of somebody who deletes what seems to be nobody's."""
        version = self._looks.template(name)
        if version is None or self._templates.exists(version):
            return ""
        return f"its launch template {version.id} is gone"

    def create(self, group: Group, template: LaunchTemplate, *, between: Between = idle) -> None:
        """Make the group and what belongs to it; one that is half made is finished.

        It begins with its whole size; what the group it is `like` has of its own comes with it. Returns when AWS
        shows it; its machines start meanwhile.
        """
        there = self._looks.found(group.name)
        if there is not None and there.ending:
            self._endings.await_gone(group.name, between)
            there = None
        gets = self._carried(group, template)
        if there is None:
            self._make(group, template, gets, between)
            there = self._await_seen(group.name, between)
            gets = replace(gets, hooks=())
        self._refuse_another(there)
        rules.refuse_other_release(self._read(there), group)
        self._finish(there, group, template, gets, between)

    def resize(self, name: str, size: int, *, between: Between = idle) -> None:
        """Make the group want `size` machines, between bounds that allow it. A pin moves along."""
        group = self._mine(name)
        if size > group.size:
            self._looks.remember_activities(name)
        between()
        self._resize(group, size)

    def end(self, name: str, instances: frozenset[str], *, size: int, between: Between = idle) -> None:
        """End exactly these and make the group want `size`; those that are gone, or go, are ended already.

        RefusedError where one of them is protected from scale-in, or set aside: somebody wants it to stay.
        """
        self._endings.end(self._mine(name), instances, size=size, between=between)
        left = self._mine(name)
        if left.size != size:
            self._resize(left, size)

    def label(self, name: str, *, keep_until: datetime | None) -> None:
        """Write on the group until when it is kept; None takes the label off."""
        self._mine(name)
        if keep_until is None:
            self._untag(name, (labels.KEEP_UNTIL,))
        else:
            self._tag(name, {labels.KEEP_UNTIL: rfc3339(keep_until)})

    def pin(self, name: str, *, until: datetime) -> None:
        """MinSize := DesiredCapacity, and no rebalancing of zones; what was before is written down first.

        Also where phoenix did not make the group. Said again it moves the pin's end, and MinSize with the group.
        """
        group = self._there(name)
        pin = pins.taken(group)
        self._tag(name, {**pins.tags(pin), labels.PINNED_UNTIL: rfc3339(until)})
        self._stop(name, frozenset(pin.stopped) - group.suspended)
        if group.least != group.size:
            self._update(name, MinSize=group.size)

    def unpin(self, name: str) -> None:
        """Give back exactly what the pin took; MinSize never makes the group larger by that."""
        group = self._looks.found(name)
        pin = pins.owed(group) if group else None
        if group is None or pin is None:
            return
        again = sorted(frozenset(pin.stopped) & group.suspended)
        if again:
            self._calls.ask("autoscaling", "resume_processes", AutoScalingGroupName=name, ScalingProcesses=again)
        least = group.least if pin.least is None else min(pin.least, group.size)
        if least != group.least:
            self._update(name, MinSize=least)
        self._untag(name, pins.TAGS)

    def logs(self, instance_id: str) -> Mapping[str, str]:
        """The machine's serial console, the newest of it where its type can tell that; nothing where it is unknown."""
        try:
            return {"console": self._console(instance_id, Latest=True)}
        except RefusedCallError as error:
            if error.said in _UNKNOWN_MACHINE:
                return {}
            if error.said != "UnsupportedOperation":  # only machines of the Nitro system show the newest at any time
                raise
        return {"console": self._console(instance_id)}

    def delete(self, name: str, *, adopt: bool = False, between: Between = idle) -> None:
        """End the group's machines, drained as its balancer and its hooks do it; remove it and what it was born with.

        `adopt`: also a group that phoenix did not make; what it started from stays.
        """
        group = self._looks.found(name)
        if group is not None:
            self._refuse_another(group, adopt=adopt)
            self._endings.empty(group, between)
        if group is None or group.made:
            self._templates.delete(name)
            born_with.remove(self._calls, self._project, name)

    def sweep(self) -> tuple[str, ...]:
        """Remove launch templates of this project that no group has."""
        return self._templates.sweep(frozenset(group.name for group in self._looks.all()))

    def _make(self, group: Group, template: LaunchTemplate, gets: Carried, between: Between) -> None:
        ami = find_ami(self._calls, template.image)
        tags = launch.group_tags(group, template, self._spec.tags)
        if group.pinned_until:
            tags |= pins.tags(self._born(group, template, gets))
        data = launch.template_data(group, template, ami, tags)
        between()
        version = self._templates.make(group.name, data, _lasting(tags))
        between()
        machine = launch.machine_of(template.machine)
        subnets = machine.subnets or self._spec.subnets
        request = launch.group_request(group, template, version, subnets=subnets, tags=tags)
        hooks = {"LifecycleHookSpecificationList": list(gets.hooks)} if gets.hooks else {}
        try:
            self._calls.ask("autoscaling", "create_auto_scaling_group", **{**gets.plain, **request, **hooks})
        except RefusedCallError as error:
            if error.said != _EXISTS:  # the answer to the first attempt may have been lost
                raise

    def _finish(self, there: Found, group: Group, template: LaunchTemplate, gets: Carried, between: Between) -> None:
        """Give the group what it cannot be made with; again where that was broken off."""
        name = group.name
        if group.pinned_until:
            born = self._born(group, template, gets)
            self._stop(name, frozenset(born.stopped) - there.suspended)
        lacking = {key: value for key, value in self._spec.tags.items() if there.tags.get(key) != value}
        self._tag(name, lacking)
        between()
        self._successions.give(name, gets)
        cpu = launch.size_of(group, template).cpu
        if cpu is not None:
            between()
            self._calls.ask("autoscaling", "put_scaling_policy", **launch.cpu_policy(name, cpu))

    def _born(self, group: Group, template: LaunchTemplate, gets: Carried) -> pins.Owed:
        size = launch.size_of(group, template)
        return pins.born(size.least, gets.stopped, schedules=bool(gets.schedules))

    def _carried(self, group: Group, template: LaunchTemplate) -> Carried:
        live = self._successions.live(template.like, whole=False) if template.like else None
        if live is None:
            return carried.NOTHING
        cpu = launch.size_of(group, template).cpu is not None
        return carried.carried(live, to=group.name, target_groups=template.born_with, cpu=cpu, now=self._clock.now())

    def _await_seen(self, name: str, between: Between) -> Found:
        seen: list[Found] = []

        def look() -> Look:
            try:
                found = self._looks.found(name)
            except CloudError as error:
                return retry_while_unknown(error)
            if found is None:
                return Look(verdict=Verdict.UNKNOWN, seen="it was made, and AWS does not show it yet")
            seen.append(found)
            return Look(verdict=Verdict.PASS, seen="")

        wait_for(f"{name} being shown", look, clock=self._clock, deadline=SEEN, interval=LOOK, between=between)
        return seen[-1]

    def _resize(self, group: Found, size: int) -> None:
        pinned = pins.owed(group) is not None
        least = size if pinned else min(group.least, size)
        wanted = {"MinSize": least, "MaxSize": max(group.most, size), "DesiredCapacity": size}
        if wanted != {"MinSize": group.least, "MaxSize": group.most, "DesiredCapacity": group.size}:
            self._update(group.name, **wanted)

    def _update(self, name: str, **parameters: Any) -> None:
        self._calls.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=name, **parameters)

    def _stop(self, name: str, processes: Iterable[str]) -> None:
        names = sorted(processes)
        if names:  # none at all would stop every process
            self._calls.ask("autoscaling", "suspend_processes", AutoScalingGroupName=name, ScalingProcesses=names)

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        if tags:
            self._calls.ask("autoscaling", "create_or_update_tags", Tags=launch.written(name, tags))

    def _untag(self, name: str, keys: tuple[str, ...]) -> None:
        gone = [{"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": key} for key in keys]
        self._calls.ask("autoscaling", "delete_tags", Tags=gone)

    def _console(self, instance_id: str, **parameters: Any) -> str:
        answer = self._calls.ask("ec2", "get_console_output", InstanceId=instance_id, **parameters)
        return str(answer.get("Output") or "")

    def _mine(self, name: str) -> Found:
        group = self._there(name)
        self._refuse_another(group)
        return group

    def _there(self, name: str) -> Found:
        group = self._looks.found(name)
        if group is None:
            raise CloudError(
                f"there is no group {name}",
                details=f"AWS has no Auto Scaling group of that name in {self._spec.region}",
                resolution="See `phoenix group list`.",
            )
        return group

    def _refuse_another(self, group: Found, *, adopt: bool = False) -> None:
        bare = group_reading.group(group, release=None, machines={}, port="", trouble=None)
        rules.refuse_another(bare, self._project, f"the region {self._spec.region} of one account", adopt=adopt)

    def _read(self, group: Found) -> Group:
        release = self._templates.release(group.template) if group.template else None
        return group_reading.group(group, release=release, machines={}, port="", trouble=None)


def _refuse_unfit(release: Release, script: str) -> None:
    user_data.packed(script, release)


def _lasting(tags: Mapping[str, str]) -> dict[str, str]:
    """A group's tags without those that change while it lives: its template's are never written again."""
    return {key: value for key, value in tags.items() if key not in (*pins.TAGS, labels.KEEP_UNTIL)}
