"""Whatever is done to emulated groups: in the end they are as they should be, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from tests.emulators.gcp.api.api import Request
from tests.emulators.gcp.bench import API, Bench, FailedError, Json, RefusedError, document
from tests.emulators.gcp.emulated import Emulated, Said
from tests.emulators.gcp.making import made
from tests.emulators.gcp.service import Service
from tests.emulators.machines.kinds import Probed
from tests.emulators.machines.told import Told

LONG = 1000.0
"""Seconds in which a group has come to rest."""
GROUP = "regionInstanceGroupManagers"
MANAGER: Any = {"instanceGroupManager": "web"}
HEALED = [{"healthCheck": "global/healthChecks/web-autohealing", "initialDelaySec": 30}]


class Inside(Bench):
    """The API without its wire: thousands of calls in a second."""

    def __init__(self) -> None:
        self.emulated = Emulated(machines=Told(), document=document())
        self.emulated.configure(self.emulated.settings.changed({"speed": 0, "operation": 1}))
        self.inner = Service(self.emulated)
        self.world = made(self.emulated, {})

    def web(self, http: str, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Json:
        """One call."""
        parts = urlsplit(url)
        request = Request(
            http=http,
            path=unquote(parts.path).removeprefix(urlsplit(API).path),
            query=parse_qs(parts.query),
            body=b"" if body is None else json.dumps(body).encode(),
            caller="test",
            user_agent="test",
        )
        self.inner.look()
        routed, call = self.inner.api.begun(request)
        if routed and routed.method.verb == "wait":
            self.advance(1)
        call, said = self.inner.api.answer(request, routed, call, None)
        if call.status != 200:
            assert call.status < 500, said
            raise RefusedError(call.status, call.reason, said["error"]["message"])
        return said

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.emulated.clock.advance(seconds)
        self.inner.look()

    def keys(self, noun: str) -> set[str]:
        """The things of a kind."""
        return {key for key, _row in self.emulated.store.of(noun)}

    def tell(self, name: str, *, well: bool) -> None:
        """How machines are."""
        self.emulated.told.pop(name, None)
        if not well:
            self.emulated.told[name] = Said(probed=Probed(status=503), since=self.emulated.clock.now)

    def some(self, number: int) -> list[str]:
        """One member, if there are any."""
        found = [member["instance"] for member in self.members()]
        return [found[number % len(found)]] if found else []


def act(bench: Inside, verb: str, number: int) -> None:
    """One thing that somebody does, or that happens."""
    if verb == "resize":
        bench.call(f"{GROUP}.resize", size=number % 6, **MANAGER)
    elif verb in ("deleteInstances", "abandonInstances", "recreateInstances"):
        asked: Json = {"instances": bench.some(number)}
        bench.call(f"{GROUP}.{verb}", asked, **MANAGER)
    elif verb in ("delete", "stop"):
        for instance in bench.some(number):
            zone, name = instance.split("/")[-3::2]
            bench.call(f"instances.{verb}", zone=zone, instance=name)
    elif verb == "sick":
        for instance in bench.some(number):
            bench.tell(instance.rpartition("/")[2], well=False)
    elif verb == "load":
        bench.inner.autoscalers.load("web", number % 7)
    elif verb == "settings":
        changes = ({"capacity": 2}, {"capacity": None}, {"creating": 40}, {"creating": 0}, {"stopping": 25})
        bench.emulated.configure(bench.emulated.settings.changed(changes[number % len(changes)]))
    else:
        bench.advance(number)


VERBS = ("resize", "deleteInstances", "abandonInstances", "recreateInstances", "delete", "stop", "sick", "load")
ACTS = st.tuples(st.sampled_from((*VERBS, "settings", "pass", "pass")), st.integers(0, 60))


def tried(bench: Inside, verb: str, number: int) -> None:
    """What cannot be done now is refused, and changes nothing."""
    with suppress(RefusedError, FailedError):
        act(bench, verb, number)


@given(st.lists(ACTS, max_size=25), st.booleans(), st.sampled_from(["EVEN", "BALANCED", "ANY"]))
def test_a_group_comes_to_rest_and_leaves_nothing(acts: list[tuple[str, int]], scaled: bool, shape: str) -> None:
    bench = Inside()
    bench.group(size=2, autoHealingPolicies=HEALED, distributionPolicy={"targetShape": shape})
    if scaled:
        policy = {"minNumReplicas": 1, "maxNumReplicas": 5, "mode": "ONLY_SCALE_OUT"}
        target = bench.manager()["selfLink"]
        bench.do("regionAutoscalers.insert", {"name": "web", "target": target, "autoscalingPolicy": policy})
    for verb, number in acts:
        tried(bench, verb, number)
        assert len(bench.keys("instances")) == len(bench.keys("disks"))
    bench.emulated.told.clear()
    bench.emulated.configure(bench.emulated.settings.changed({"capacity": None, "creating": 0, "stopping": 0}))
    bench.advance(LONG)
    manager, members = bench.manager(), {member["instance"].partition("/v1/")[2] for member in bench.members()}
    assert (manager["status"]["isStable"], len(members)) == (True, manager["targetSize"])
    assert members <= bench.keys("instances")
    if scaled:
        bench.do("regionAutoscalers.delete", autoscaler="web")
    bench.do(f"{GROUP}.delete", **MANAGER)
    assert bench.keys("instances") & members == set()
    assert bench.keys("instanceGroups") == bench.keys("instanceGroupManagers") == set()
    assert bench.emulated.store.busy == set()


@given(st.lists(ACTS, max_size=12))
def test_a_group_can_be_deleted_at_any_moment(acts: list[tuple[str, int]]) -> None:
    bench = Inside()
    bench.group(size=3, autoHealingPolicies=HEALED)
    for verb, number in acts:
        tried(bench, verb, number)
    members = {member["instance"].partition("/v1/")[2] for member in bench.members()}
    operation = bench.call(f"{GROUP}.delete", **MANAGER)
    bench.advance(LONG)
    bench.done(operation)
    assert bench.keys("instances") & members == set()
    assert bench.keys("instanceGroups") == set()
