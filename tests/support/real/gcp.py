"""Managed groups on the emulated Google Cloud, for tests: a project, groups of it, and a clock that they wait by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import google.auth
from google.auth.transport.requests import AuthorizedSession

from phoenix.clouds.gcp.calls import Answer, Calls
from phoenix.clouds.gcp.groups import GcpGroups
from phoenix.model import CloudMachine, Group, Health, LaunchTemplate, Release, Size
from phoenix.spec.clouds import GcpCloud
from tests.emulators.gcp import Emulator, World

PORT = 8080
NAME = "web-prod-v001"
RELEASE = Release(image="shop-web-1", image_ref="foundation/web@1", settings=(("GREETING", "Grüße"),))
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
API = "https://compute.googleapis.com/compute/v1"


def wanted(size: int = 2, **more: Any) -> Group:
    """A group as a roll of the project `shop` asks for it."""
    group = Group(
        name=NAME,
        project="shop",
        service="web",
        environment="prod",
        release=RELEASE,
        size=size,
        created=datetime(2026, 3, 1, 12, tzinfo=UTC),
        run="roll-1",
        shape="abc",
    )
    return replace(group, **more)


class EmulatedTime:
    """The emulator's clock, moved by whoever sleeps: nobody waits for real."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.slept = 0.0
        self._begun = emulator.advance(0)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._begun, UTC) + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._emulator.advance(seconds)


@dataclass(frozen=True, kw_only=True)
class Account:
    """An emulated project in which a project of phoenix has its groups."""

    emulator: Emulator
    world: World
    spec: GcpCloud
    clock: EmulatedTime
    project: str
    zones: tuple[str, ...] = ()
    """Of its groups; several, or none, is the region."""

    @cached_property
    def calls(self) -> Calls:
        """What phoenix speaks to Google by."""
        return Calls(self.spec, self.clock)

    def groups(self) -> GcpGroups:
        """The project's groups, as one more process sees them."""
        return GcpGroups(self.project, self.spec, self.calls, self.clock)

    def path(self, noun: str, name: str = "") -> str:
        """Where something of a group is: in the region, or in the one zone."""
        where = f"zones/{self.zones[0]}" if len(self.zones) == 1 else f"regions/{self.world.region}"
        return f"projects/{self.world.project}/{where}/{noun}" + (f"/{name}" if name else "")

    def everywhere(self, noun: str, name: str = "") -> str:
        """Where something is that has no place."""
        return f"projects/{self.world.project}/global/{noun}" + (f"/{name}" if name else "")

    def ask(self, path: str, *, verb: str = "GET", body: Any = None) -> Answer:
        """A call of somebody who is not phoenix, and the wait for what it sets going."""
        answer: Answer = self._asked(verb, f"{API}/{path}", body)
        while answer.get("kind") == "compute#operation" and answer["status"] != "DONE":
            self.clock.sleep(0.05)
            answer = self._asked("GET", answer["selfLink"].replace("www.", "compute."), None)
        assert "error" not in answer, answer["error"]
        return answer

    @cached_property
    def _session(self) -> AuthorizedSession:
        credentials, _project = google.auth.default(scopes=[SCOPE])
        return AuthorizedSession(credentials)

    def _asked(self, verb: str, url: str, body: Any) -> Any:
        answer = self._session.request(verb, url, json=body)
        assert answer.ok, answer.text
        return answer.json()

    def told(self, name: str = NAME) -> Answer:
        """The managed group as Google tells of it."""
        return self.ask(self.path("instanceGroupManagers", name))

    def scaler(self, name: str = NAME) -> Answer:
        """The autoscaler of that name, as Google tells of it."""
        return self.ask(self.path("autoscalers", name))

    def template(self, size: Size | None = None, **more: Any) -> LaunchTemplate:
        """What a group starts from."""
        template = LaunchTemplate(
            image=self.world.image,
            machine=self.machine(),
            port=PORT,
            health=Health(deadline=300),
            user_data="#!/bin/sh\necho hello\n",
            born_with=(f"named-port/http:{PORT}",),
            size=size,
            zones=self.zones,
        )
        return replace(template, **more)

    def machine(self, **more: Any) -> CloudMachine:
        """What a group's machines are."""
        machine = CloudMachine(type="e2-small", firewall=("web",), identity=self.world.service_account)
        return replace(machine, **more)

    def serving(self, size: int = 2, bounds: Size | None = None, **more: Any) -> Group:
        """The group as it is when its machines have come."""
        self.groups().create(wanted(size, **more), self.template(bounds))
        self.clock.sleep(30)
        return self.seen()

    def seen(self, name: str = NAME) -> Group:
        """The group as phoenix sees it now."""
        group = self.groups().find(name)
        assert group is not None
        return group

    def left(self) -> list[str]:
        """What there is of groups, and of what only groups have."""
        found = [key for noun in _OF_GROUPS for key in self.emulator.keys(noun)]
        checks = [key for key in self.emulator.keys("healthChecks") if key.endswith("-heal")]
        return [key.partition(f"{self.world.project}/")[2] for key in (*found, *checks)]

    def foreign(self, name: str, size: int = 2, *, bounds: tuple[int, int] | None = None, **more: Any) -> None:
        """A group that phoenix did not make; with bounds it has an autoscaler."""
        properties = {
            "machineType": "e2-small",
            "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": self.world.image}}],
            "networkInterfaces": [{"network": self.everywhere("networks", self.world.network)}],
        }
        template = {"name": name, "properties": properties}
        self.ask(self.everywhere("instanceTemplates"), verb="POST", body=template)
        group = {
            "name": name,
            "baseInstanceName": name,
            "description": "the web tier, by hand",
            "instanceTemplate": self.everywhere("instanceTemplates", name),
            "targetSize": size,
            **more,
        }
        self.ask(self.path("instanceGroupManagers"), verb="POST", body=group)
        if bounds is not None:
            self.scale(name, bounds)

    def scale(self, name: str, bounds: tuple[int, int], *, description: str = "by hand", **policy: Any) -> None:
        """Give a group an autoscaler with these bounds."""
        told = {"minNumReplicas": bounds[0], "maxNumReplicas": bounds[1], "mode": "ON", **policy}
        target = self.path("instanceGroupManagers", name)
        body = {"name": name, "description": description, "target": target, "autoscalingPolicy": told}
        self.ask(self.path("autoscalers"), verb="POST", body=body)

    def by_hand(self, noun: str, name: str, **changes: Any) -> None:
        """Somebody changes something of a group."""
        path = self.path(noun)
        query = f"?autoscaler={name}" if noun == "autoscalers" else f"/{name}"
        self.ask(f"{path}{query}", verb="PATCH", body=changes)


_OF_GROUPS = ("autoscalers", "disks", "instanceGroupManagers", "instanceGroups", "instanceTemplates", "instances")


def account(emulator: Emulator, project: str, *, zones: tuple[str, ...] = (), **settings: Any) -> Account:
    """A fresh project: machines take a while to come and to go, and time stands still unless somebody waits."""
    emulator.configure(speed=0.0, creating=5.0, stopping=5.0, **settings)
    world = emulator.world()
    spec = GcpCloud(name="gcp", project=world.project, region=world.region, labels={"team": "shop"})
    return Account(
        emulator=emulator, world=world, spec=spec, clock=EmulatedTime(emulator), project=project, zones=zones
    )
