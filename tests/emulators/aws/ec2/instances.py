"""EC2's instances: moto keeps what AWS says of them, the machines are what runs.

Mended: an instance is `pending` and `shutting-down` for a time; an AMI must be there and available; a ClientToken
makes RunInstances safe to repeat; status checks and the console are the machine's; terminated instances are forgotten
after an hour.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Answers, Asked, Shape
from tests.emulators.aws.emulated import Emulated
from tests.emulators.aws.faults import RefusedError
from tests.emulators.aws.machines import Launch

GROUP_TAG = "aws:autoscaling:groupName"
REMEMBERED = 3600.0
"""Seconds for which a terminated instance is shown.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html"""
CONSOLE = 64 * 1024
"""GetConsoleOutput gives the most recent 64 KB.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html"""
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a group starts its instances from: a version of its launch template, resolved."""

    image: str
    type: str
    user_data: Base64EncodedString | None = None
    key: str | None = None
    security_groups: Sequence[str] = ()
    subnet: str | None = None
    zone: str | None = None
    public: bool | None = None
    profile: Mapping[str, str] = field(default_factory=dict)
    mappings: Sequence[Shape] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    spot: bool = False
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By kind of resource: `instance`, `volume`."""


class Instances:
    """The instances of all regions, by their ids."""

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated
        self._known: dict[str, Any] = {}
        self._tokens: dict[tuple[str, str], tuple[Mapping[str, Any], Any]] = {}

    def add_to(self, answers: Answers) -> None:
        """Answer what moto answers wrongly, and stand behind what it starts and ends."""
        answers.add("ec2", RunInstances=self._run_instances, GetConsoleOutput=self._get_console_output)
        self._stand_behind(EC2Backend)
        checks = property(lambda instance: self._checks(instance))  # noqa: PLW0108 (a bound method would get no instance)
        behind.mend(Instance, instance_status=checks, system_status=checks)

    def forget(self) -> None:
        """None is left."""
        self._known.clear()
        self._tokens.clear()

    def get(self, instance: str) -> Any | None:
        """moto's record of an instance."""
        return self._known.get(instance)

    def state(self, instance: str) -> str:
        """EC2's state of it; `terminated` where it is not known any more."""
        found = self._known.get(instance)
        return found.state if found else "terminated"

    def run(self, region: str, wanted: Wanted, count: int) -> list[Any]:
        """Start instances for a group. RefusedError and moto's own errors where EC2 would refuse."""
        backend = behind.ec2(region)
        more: dict[str, Any] = {"block_device_mappings": list(wanted.mappings)} if wanted.mappings else {}
        if wanted.spot:
            more["instance_market_options"] = "spot"
        if wanted.profile:
            more["iam_instance_profile_arn"] = _profile(
                {f"iam_instance_profile_{k.lower()}": v for k, v in wanted.profile.items()}
            )
        reservation = backend.run_instances(
            wanted.image,
            count,
            wanted.user_data,
            [],
            instance_type=wanted.type,
            is_instance_type_default=False,
            region_name=region,
            placement=None if wanted.subnet else wanted.zone,
            subnet_id=wanted.subnet,
            key_name=wanted.key,
            security_group_ids=list(wanted.security_groups),
            associate_public_ip=wanted.public,
            metadata_options=dict(wanted.metadata),
            tags={kind: dict(tags) for kind, tags in wanted.tags.items()},
            **more,
        )
        for instance in reservation.instances if wanted.profile else ():
            backend.associate_iam_instance_profile(
                instance.id, iam_instance_profile_arn=more["iam_instance_profile_arn"]
            )
        return list(reservation.instances)

    def terminate(self, region: str, instance: str) -> None:
        """End an instance of a group."""
        if self.state(instance) not in ("terminated", "shutting-down"):
            behind.ec2(region).terminate_instances([instance])

    def _stand_behind(self, backend: Any) -> None:
        run, start, stop, end = (
            getattr(backend, name)
            for name in ("run_instances", "start_instances", "stop_instances", "terminate_instances")
        )

        @functools.wraps(run)
        def run_instances(ec2: Any, image_id: str, count: int, user_data: Any, *names: Any, **options: Any) -> Any:
            self._check_image(ec2, image_id or _image_of_template(ec2, options))
            reservation = run(ec2, image_id, count, user_data, *names, **options)
            try:
                for instance in reservation.instances:
                    self._launch(ec2, instance, _profile(options))
            except OSError as error:
                self._end(ec2, [instance.id for instance in reservation.instances], functools.partial(end, ec2))
                raise RefusedError("InsufficientInstanceCapacity", f"no machine: {error}") from error
            return reservation

        @functools.wraps(start)
        def start_instances(ec2: Any, instance_ids: list[str]) -> Any:
            for instance in instance_ids:
                self._emulated.machines.start(instance)
            return start(ec2, instance_ids)

        @functools.wraps(stop)
        def stop_instances(ec2: Any, instance_ids: list[str]) -> Any:
            for instance in instance_ids:
                self._emulated.machines.stop(instance)
            return stop(ec2, instance_ids)

        @functools.wraps(end)
        def terminate_instances(ec2: Any, instance_ids: list[str]) -> Any:
            return self._end(ec2, instance_ids, functools.partial(end, ec2))

        backend.run_instances, backend.start_instances = run_instances, start_instances
        backend.stop_instances, backend.terminate_instances = stop_instances, terminate_instances

    def _check_image(self, ec2: Any, image: str) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: InvalidAMIID.*"""
        found = ec2.amis.get(image)
        if found is None:
            raise RefusedError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
        if found.state != "available":
            raise RefusedError("InvalidAMIID.Unavailable", f"The image ID '{image}' is not available")

    def _launch(self, ec2: Any, instance: Any, profile: str) -> None:
        nic, tags = instance.nics[0], {tag["key"]: tag["value"] for tag in instance.get_tags()}
        pair = ec2.key_pairs.get(instance.key_name) if instance.key_name else None
        public = bool(nic.public_ip)
        address = self._emulated.machines.launch(
            Launch(
                id=instance.id,
                image=instance.image_id,
                user_data=base64.b64decode(str(instance.user_data)) if instance.user_data else b"",
                key=pair.material_public.decode().strip() if pair else "",
                public=public,
                type=instance.instance_type,
                region=ec2.region_name,
                zone=instance.availability_zone,
                group=tags.get(GROUP_TAG, ""),
                profile=profile,
                tokens_only=instance.metadata_options.http_tokens == "required",
                tags=tags,
            )
        )
        if address:
            nic.private_ip_address = address
            nic.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
            nic.public_ip = address if public else None
        self._known[instance.id] = instance
        instance.launch_time = self._emulated.clock.date
        if self._emulated.settings.pending:
            _become(instance, "pending")
            self._emulated.clock.later(self._emulated.settings.pending, lambda: self._running(instance))

    def _running(self, instance: Any) -> None:
        if instance.state == "pending":
            _become(instance, "running")

    def _end(self, ec2: Any, ids: list[str], end: Callable[[list[str]], Any]) -> Any:
        known = [found for found in map(self._known.get, ids) if found and found.state != "terminated"]
        before = {instance.id: instance.state for instance in known}
        ended = end(ids)  # refused where an instance is protected from it
        settings, clock = self._emulated.settings, self._emulated.clock
        for instance in known:
            if settings.terminating:
                _become(instance, "shutting-down")
            if before[instance.id] != "shutting-down":
                self._emulated.machines.terminate(instance.id)
                clock.later(settings.terminating, functools.partial(_become, instance, "terminated"))
                clock.later(settings.terminating + REMEMBERED, functools.partial(self._drop, ec2, instance))
        return ended

    def _drop(self, ec2: Any, instance: Any) -> None:
        self._known.pop(instance.id, None)
        for name, reservation in list(ec2.reservations.items()):
            if instance in reservation.instances:
                reservation.instances.remove(instance)
                if not reservation.instances:
                    del ec2.reservations[name]
                return

    def _checks(self, instance: Any) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusSummary.html"""
        if instance.state != "running":
            return {"Status": "not-applicable"}
        up = self._emulated.machines.ready(instance.id)
        return {
            "Status": "ok" if up else "initializing",
            "Details": [{"Name": "reachability", "Status": "passed" if up else "initializing"}],
        }

    def _run_instances(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"""
        token = asked.get("ClientToken")
        if not token:
            return asked.moto()
        if token and (known := self._tokens.get((asked.region, token))):
            if known[0] != asked.parameters:
                raise RefusedError(
                    "IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent"
                )
            return known[1]
        before = set(behind.ec2(asked.region).reservations)
        answer = asked.moto()
        new = [r for name, r in behind.ec2(asked.region).reservations.items() if name not in before]
        if new:
            self._tokens[asked.region, token] = (dict(asked.parameters), new[0])
        return answer

    def _get_console_output(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html"""
        instance = behind.ec2(asked.region).get_instance(asked.get("InstanceId"))
        said = next(
            (self._emulated.consoles[name] for name in self.names(instance.id) if name in self._emulated.consoles),
            None,
        )
        text = self._emulated.machines.console(instance.id) if said is None else said
        answer: Shape = {"InstanceId": instance.id, "Timestamp": self._emulated.clock.date}
        if text:
            last = text.encode()[-CONSOLE:].decode(errors="ignore")
            answer["Output"] = Base64EncodedString.from_raw_string(last)
        return answer

    def names(self, instance: str) -> tuple[str, ...]:
        """By what a test may speak of an instance: itself, its AMI, its group; the nearest first."""
        found = self._known.get(instance)
        if found is None:
            return (instance,)
        tags = {tag["key"]: tag["value"] for tag in found.get_tags()}
        return (instance, *filter(None, (tags.get(GROUP_TAG), found.image_id)))


def _become(instance: Any, state: str) -> None:
    instance._state.name, instance._state.code = state, STATES[state]


def _profile(options: Mapping[str, Any]) -> str:
    """The ARN of the instance profile that is asked for; empty for none.

    RefusedError where it is not there: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """
    name, arn = options.get("iam_instance_profile_name"), options.get("iam_instance_profile_arn")
    if not name and not arn:
        return ""
    for profile in behind.iam().instance_profiles.values():
        if profile.name == name or profile.arn == arn:
            return str(profile.arn)
    raise RefusedError(
        "InvalidParameterValue", f"Invalid IAM Instance Profile {f'name ({name})' if name else f'ARN ({arn})'}"
    )


def _image_of_template(ec2: Any, options: Mapping[str, Any]) -> str:
    template = options.get("launch_template")
    return str(ec2._get_template_from_args(template).image_id) if template else ""
