"""Nothing waits for Google longer than a lease lasts, and what is not known yet is no refusal."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phoenix.clouds.gcp import calls as spoken
from phoenix.clouds.gcp.bake import packer_run, packers
from phoenix.clouds.gcp.balancer import birth
from phoenix.clouds.gcp.balancer.birth import Wanted
from phoenix.clouds.gcp.balancer.scope import Scope
from phoenix.clouds.gcp.balancer.url_map import At
from phoenix.clouds.gcp.calls import Answer, Calls
from phoenix.clouds.gcp.groups import GcpGroups
from phoenix.clouds.gcp.images import GcpImages
from phoenix.errors import ToolError, UnreachableError
from phoenix.execute.ownership import LEASE
from phoenix.model import Health, Place
from tests.support.fakes.doubles import FakeClock
from tests.unit.clouds.gcp import answers
from tests.unit.clouds.gcp.asked import SPEC, Asked, no

IMAGE = "shop-os-debian-12-0123"
LEFT = {
    "phoenix-project": "shop",
    "phoenix-image": IMAGE,
    "phoenix-role": "unproven",
    "phoenix-baker": "elsewhere_1_2_3",
    "phoenix-since": "2020-01-01t00-00-00z",
}


class Login(Calls):
    """Credentials that ask a server for their token."""

    def __init__(self, refresh: Callable[[Any], None]) -> None:
        super().__init__(SPEC, FakeClock())
        self._credentials: Any = lambda: SimpleNamespace(valid=False, token="ya29", refresh=refresh)


def test_a_silent_giver_of_tokens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken, "_TIMEOUT", 0.2)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        with pytest.raises(UnreachableError, match="did not answer a login"):
            Login(lambda request: request(url=url, method="GET")).token()


class Half(Asked):
    """A load balancer where somebody else has just begun to make the backend service."""

    def web(self, verb: str, url: str, /, *, body: Answer | None = None) -> Answer:
        self.asked.append((f"{verb} {url}", body or {}))
        if verb == "GET":
            raise no("notFound")
        if "/backendServices" in url:
            raise no("alreadyExists")
        return {"status": "DONE", "name": "operation"}


def test_a_backend_service_that_somebody_is_making_is_asked_for_again() -> None:
    at = At(
        scope=Scope(project="acme-prod"),
        url_map="web",
        route="default",
        project="shop",
        place=Place(service="web", environment="prod"),
    )
    wanted = Wanted(health=Health(path="/healthz"), drain=30.0, accepts=False)
    with pytest.raises(UnreachableError, match="is not shown yet"):
        birth.ensure(Half(), at, "web-prod-v042", wanted, None, "EXTERNAL_MANAGED")


class Slow(Asked):
    """A Google whose operations take minutes."""

    def __init__(self, clock: FakeClock, **answers: Any) -> None:
        super().__init__(**answers)
        self._clock = clock

    def begin(self, collection: str, method: str, /, **parameters: Any) -> Answer:
        return {**super().begin(collection, method, **parameters), "status": "RUNNING"}

    def _waited(self, operation: Answer) -> Answer:
        return operation


@pytest.mark.parametrize("made", [True, False])
def test_a_pin_that_takes_long_is_unknown_before_a_lease_is_over(made: bool) -> None:
    clock = FakeClock()
    group = answers.group(made=made, status={"isStable": True, "autoscaler": f"{answers.REGION}/autoscalers/web"})
    calls = Slow(
        clock,
        instanceGroupManagers__aggregatedList={"items": [group]},
        regionInstanceGroupManagers__get=group,
        regionAutoscalers__get=answers.autoscaler(),
    )
    groups = GcpGroups("shop", replace(SPEC, region="europe-west1"), calls, clock)
    with pytest.raises(UnreachableError):
        groups.pin(answers.NAME, until=clock.now())
    assert calls.verbs()[-1].endswith(".patch")
    assert clock.seconds < LEASE / 2


def test_a_lease_is_kept_while_a_dead_bakes_image_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = {"name": IMAGE, "id": "4", "status": "READY", "labels": LEFT, "labelFingerprint": "abc"}
    calls = Asked(images__get=[*[left] * 6, None])
    renewed: list[int] = []

    def broken(_run: object) -> str:
        raise ToolError("packer failed")

    monkeypatch.setattr(packers, "refuse_unfit", lambda _cloud: None)
    monkeypatch.setattr(packer_run.PackerRun, "image", broken)
    request: Any = SimpleNamespace(image_id=IMAGE, parent=None, base="debian-cloud/debian-12")
    calls.answers["images__getFromFamily"] = {"name": "debian-12-bookworm-v20260115", "status": "READY"}
    with pytest.raises(ToolError, match="packer failed"):
        GcpImages("shop", SPEC, calls, FakeClock()).build(
            request, log=tmp_path / "log", say=lambda _text: None, between=lambda: renewed.append(len(calls.asked))
        )
    deleted = calls.verbs().index("images.delete")
    assert [at for at in renewed if at > deleted]
