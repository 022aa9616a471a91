"""Where a service is asked after a shift: at its own name where phoenix.yaml tells it, else nowhere but here."""

from __future__ import annotations

import pytest

from phoenix.clock import Clock
from phoenix.execute import service_world
from phoenix.model import Health, Route
from phoenix.spec.services import AwsBalancer, Balancer, GcpBackendService, GcpUrlMap, LocalBalancer
from phoenix.wait import Look, Verdict
from tests.support.fakes.doubles import FakeClock


@pytest.mark.parametrize(
    ("balancer", "asked"),
    [
        (LocalBalancer(listen="127.0.0.1:8000"), "http://127.0.0.1:8000/ready"),
        (
            AwsBalancer(listener="arn", rule="default", address="https://www.acme.example"),
            "https://www.acme.example/ready",
        ),
        (
            GcpUrlMap(url_map="web", route="default", address="http://10.0.0.1:8080/ping?x"),
            "http://10.0.0.1:8080/ping?x",
        ),
        (GcpBackendService(backend_service="web"), None),
        (AwsBalancer(listener="arn", rule="default"), None),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, str) else "",
)
def test_where(balancer: Balancer, asked: str | None) -> None:
    heard: list[tuple[str, int]] = []

    def ask(url: str, *, clock: Clock, status: int = 200) -> Look:
        heard.append((url, status))
        return Look(verdict=Verdict.UNKNOWN, seen="not yet")

    route = Route(address="http://127.0.0.1:8000")
    look = service_world.asked(balancer, Health(path="/ready", status=204), route, FakeClock(), ask)
    assert heard == ([(asked, 204)] if asked else [])
    assert look.verdict is (Verdict.UNKNOWN if asked else Verdict.PASS), "the balancer's own view alone counts then"
