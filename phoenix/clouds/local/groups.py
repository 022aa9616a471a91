"""The groups of the local cloud: machines on this computer, each a directory; what they are is read from reality."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from phoenix import names
from phoenix.clock import Clock, SystemClock
from phoenix.clouds import rules
from phoenix.clouds.api import Between, idle
from phoenix.clouds.local import image_files
from phoenix.clouds.local.group_files import GroupFiles, GroupRecord
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machines import engines, guest, instances, listening, remains
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec, read_record
from phoenix.clouds.local.machines.restarts import Restarts
from phoenix.errors import CloudError, RefusedError
from phoenix.manner import Stray, Survey
from phoenix.model import (
    BootState,
    Group,
    Instance,
    InstanceState,
    LaunchTemplate,
    LocalMachine,
    MachineKind,
    Release,
)
from phoenix.spec.clouds import LocalCloud
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

EMULATED = "qemu-tcg"


class LocalGroups:
    """Implements `clouds.api.Groups` with light or virtual machines."""

    def __init__(
        self, project: str, spec: LocalCloud, clock: Clock | None = None, *, reach: tuple[int, ...] = ()
    ) -> None:
        """`reach` are the loopback ports of this computer that the groups' machines may reach."""
        self._project = project
        self._spec = spec
        self._reach = reach
        self._clock = clock or SystemClock()
        self._files = GroupFiles(spec.root)
        self._restarts = Restarts()

    def list(self) -> tuple[Group, ...]:
        """Every group of this project, with its instances as they are now."""
        found = (self.find(name) for name in self._files.names())
        return tuple(group for group in found if group is not None and group.project == self._project)

    def find(self, name: str) -> Group | None:
        """The group of that name (whose ever it is), freshly read, or None."""
        record = self._files.read(name)
        if record is None:
            return None
        return replace(record.group, instances=tuple(self._instances(name)))

    def strays(self, listed: tuple[Group, ...]) -> tuple[Stray, ...]:  # noqa: ARG002 (elsewhere machines can leave)
        """None: a machine here is its group's as long as it lives."""
        return ()

    def survey(self, name: str) -> Survey:  # noqa: ARG002 (elsewhere groups have more than phoenix gives them)
        """Nothing: a group here is what phoenix made of it."""
        return Survey()

    def refuse_unfit(self, release: Release, user_data: str, machine: MachineKind) -> None:
        """Nothing: a machine here takes any boot work, as a file."""

    def barren(self, name: str) -> str:  # noqa: ARG002 (elsewhere a group starts from what somebody may delete)
        """Nothing: what a group here starts from is its own."""
        return ""

    def create(self, group: Group, template: LaunchTemplate, *, between: Between = idle) -> None:
        """Make the group and start its machines; one that is half made is finished.

        Emulated machines are started only as fast as this computer can boot them; `between` is called in every round
        of that wait. Raises CloudError where a group of that name has another release or a machine does not start,
        RefusedError where it is another project's or the machine engine does not work here.
        """
        with self._files.locked(group.name):
            record = self._files.read(group.name)
            if record is None:
                from phoenix.clouds.local.machines import probe

                engine = probe.choose_engine(self._spec.machines)
                self._refuse_unproven(template.image, engine)
                record = GroupRecord(group=group, template=template, engine=engine)
                self._files.write(record)
            else:
                self._check_mine(record.group)
                rules.refuse_other_release(record.group, group)
            self._fill(record, between)

    def resize(self, name: str, size: int, *, between: Between = idle) -> None:
        """Make the group want `size` machines: start more like those it has, or end dead ones, then the youngest."""
        with self._files.locked(name):
            record = self._mine(name)
            resized = replace(record, group=replace(record.group, size=size))
            self._files.write(resized)
            youngest_first = self._files.machines(name)[::-1]
            dead_first = sorted(youngest_first, key=instances.is_alive)
            for files in dead_first[: max(0, len(dead_first) - size)]:
                _remove_machine(files)
            self._fill(resized, between)

    def end(self, name: str, instances: frozenset[str], *, size: int, between: Between = idle) -> None:
        """End exactly these machines and make the group want `size`; those that are gone are ended already."""
        with self._files.locked(name):
            record = self._mine(name)
            self._files.write(replace(record, group=replace(record.group, size=size)))
            for files in self._files.machines(name):
                if files.name in instances:
                    _remove_machine(files)
                    between()

    def label(self, name: str, *, keep_until: datetime | None) -> None:
        """Write on the group until when it is kept; None takes the label off."""
        with self._files.locked(name):
            record = self._mine(name)
            self._files.write(replace(record, group=replace(record.group, keep_until=keep_until)))

    def pin(self, name: str, *, until: datetime) -> None:
        """Write the pin on the group: nobody but phoenix changes the size of a group here."""
        with self._files.locked(name):
            record = self._mine(name)
            self._files.write(replace(record, group=replace(record.group, pinned_until=until)))

    def unpin(self, name: str) -> None:
        """Take the pin off; a group without one, or none, is as it should be."""
        if self._files.read(name) is None:
            return
        with self._files.locked(name):
            record = self._mine(name)
            if record.group.pinned_until is not None:
                self._files.write(replace(record, group=replace(record.group, pinned_until=None)))

    def logs(self, instance_id: str) -> Mapping[str, str]:
        """What a machine said, dead or alive: `console`, `boot` and `service`; empty where there is none of that id.

        `listening`: what stands between its port and the balancer, of a light machine that runs.
        """
        group = names.group_of_instance(instance_id)
        files = MachineFiles(root=self._spec.root, group=group or "", name=instance_id)
        started = read_record(files) if group else None
        if started is None:
            return {}
        logs = guest.read_logs(files.directory / started.console)
        record = self._files.read(group or "")
        deaf = listening.words(started, record.template.port) if record else ""
        said = {"console": logs.console, "boot": logs.boot, "service": logs.service}
        return said | ({"listening": f"{deaf}\n"} if deaf else {})

    def delete(self, name: str, *, adopt: bool = False, between: Between = idle) -> None:
        """End the group's machines and remove it; one that is not there is removed already."""
        if name not in self._files.names():
            return
        with self._files.locked(name):
            record = self._files.read(name)
            if record is not None:
                rules.refuse_another(record.group, self._project, f"the root {self._spec.root}", adopt=adopt)
            for files in self._files.machines(name):
                _remove_machine(files)
                between()
            self._files.remove(name)

    def sweep(self) -> tuple[str, ...]:
        """End and remove what belongs to no machine: half-started ones, what ran for removed ones, broken-off trials.

        A group that another process is changing is left alone.
        """
        from phoenix.clouds.local.machines import light_trial

        running = {path.parts[-3]: path for path in remains.marked(self._files.groups).values()}
        of_groups = {names.group_of_instance(name) for name in remains.control_groups(self._spec.root)}
        known = {*self._files.names(), *running, *(name for name in of_groups if name is not None)}
        swept = tuple(what for name in sorted(known) for what in self._sweep_group(name))
        return (*swept, *light_trial.sweep())

    def _sweep_group(self, name: str) -> Iterator[str]:
        with self._files.locked_if_free(name) as free:
            if not free:
                return
            for files in self._strays(name):
                _remove_machine(files)
                yield f"what was left of the machine {files.name}"
            if self._files.read(name) is None and name in self._files.names():
                self._files.remove(name)
                yield f"what was left of the group {name}"

    def _strays(self, group: str) -> tuple[MachineFiles, ...]:
        """What has a directory, a process or a control group, and is no machine."""
        there = {files.name for files in self._files.machines(group)}
        below = self._files.groups / group
        there |= {path.name for path in remains.marked(below).values()}
        there |= {name for name in remains.control_groups(self._spec.root) if names.group_of_instance(name) == group}
        found = [MachineFiles(root=self._spec.root, group=group, name=name) for name in sorted(there)]
        whole = self._files.read(group) is not None
        return tuple(files for files in found if not whole or read_record(files) is None)

    def _fill(self, record: GroupRecord, between: Between) -> None:
        """Start machines until there are as many as wanted; one that died stays as it is."""
        name, template = record.group.name, record.template
        image = ImageFiles(directory=self._spec.images / template.image)
        if not image.tree.is_dir():
            raise CloudError(
                f"the image {template.image} is gone",
                details=f"{image.directory} is not there; {name} starts from it",
                resolution="Bake it again, then roll.",
            )
        spec = MachineSpec(
            image=image,
            machine=_local(template.machine),
            port=template.port,
            user_data=template.user_data,
            reach=self._reach,
        )
        for files in self._files.machines(name):
            if read_record(files) is None:
                _remove_machine(files)
        there = {files.name for files in self._files.machines(name)}
        if record.engine in (engines.LIGHT, engines.OPEN):
            from phoenix.clouds.local.machines import limits

            limits.refuse_too_many(record.group.size - len(there))
        index = 0
        while len(there) < record.group.size:
            index += 1
            files = MachineFiles(root=self._spec.root, group=name, name=names.instance(name, index))
            if files.name in there:
                continue
            if record.engine == EMULATED:
                self._wait_for_a_processor(template.health.deadline, between)
            _start_machine(spec, files, record.engine)
            there.add(files.name)
            between()

    def _refuse_unproven(self, image: str, engine: str) -> None:
        """A group of whole machines starts from no image that was verified light: one of another sort did not boot."""
        from phoenix.clouds.local.bake import proven

        manifest = image_files.read_manifest(ImageFiles(directory=self._spec.images / image))
        if manifest is not None:
            proven.refuse_unproven(manifest.image, engine)

    def _wait_for_a_processor(self, deadline: float, between: Between) -> None:
        """Not more emulated machines boot at once than there are processors: each needs one for itself."""
        most = os.cpu_count() or 1

        def look() -> Look:
            booting = [instance.id for instance in self._booting()]
            verdict = Verdict.PASS if len(booting) < most else Verdict.UNKNOWN
            return Look(verdict=verdict, seen=f"booting: {', '.join(booting) or 'none'}")

        try:
            wait_for(
                "a processor for the next machine",
                look,
                clock=self._clock,
                deadline=deadline,
                interval=0.2,
                between=between,
            )
        except DeadlineError as error:
            raise CloudError(
                "this computer is too slow for that many emulated machines",
                details=f"{error.brief}; {error.details}",
                resolution="Make the group smaller or the health check's deadline longer; see `phoenix doctor`.",
            ) from error

    def _booting(self) -> Iterator[Instance]:
        for group in self._files.names():
            for instance in self._instances(group):
                unfinished = instance.boot in (BootState.UNKNOWN, BootState.RUNNING)
                if instance.engine == EMULATED and unfinished and instance.state is not InstanceState.DEAD:
                    yield instance

    def _instances(self, group: str) -> Iterator[Instance]:
        for files in self._files.machines(group):
            started = read_record(files)
            if started is not None:
                yield instances.look_at(files, started, self._restarts)

    def _mine(self, name: str) -> GroupRecord:
        record = self._files.read(name)
        if record is None:
            raise CloudError(
                f"there is no group {name}",
                details=f"groups here: {', '.join(self._files.names()) or 'none'}",
                resolution="See `phoenix group list`.",
            )
        self._check_mine(record.group)
        return record

    def _check_mine(self, group: Group) -> None:
        rules.refuse_another(group, self._project, f"the root {self._spec.root}")


def _local(machine: MachineKind) -> LocalMachine:
    if not isinstance(machine, LocalMachine):
        raise RefusedError(
            f"this computer has no machine of the type {machine.type}",
            details="machines of a local cloud are cut by `cpus` and `memory`",
            resolution="Say these in the environment's `machine`.",
        )
    return machine


def _start_machine(spec: MachineSpec, files: MachineFiles, engine: str) -> None:
    from phoenix.clouds.local.machines import lifecycle as machines

    machines.start(spec, files, engine)


def _remove_machine(files: MachineFiles) -> None:
    from phoenix.clouds.local.machines import lifecycle as machines

    machines.remove(files)
