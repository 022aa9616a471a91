"""The emulator's pure parts: conditions of rules, matchers, streaks of checks, the clock's agenda."""

from __future__ import annotations

import pytest

from tests.emulators.aws.elbv2.health import FIRST_CHECKS, HEALTHY, Streak, passes
from tests.emulators.aws.elbv2.routes import Condition, Rule, first_met
from tests.emulators.clock import Clock
from tests.emulators.machines.kinds import Probed
from tests.emulators.machines.proxy import Request, Turns

REQUEST = Request(
    method="GET",
    target="/api/v1?lang=en&debug=",
    headers={"host": "shop.Example.com:8080", "x-phoenix-group": "web-prod-v002.t0ken"},
    client="10.7.1.2",
)


@pytest.mark.parametrize(
    ("field", "value", "met"),
    [
        ("host-header", "shop.example.com", True),
        ("host-header", "*.example.com", True),
        ("host-header", "example.com", False),
        ("path-pattern", "/api/*", True),
        ("path-pattern", "/api/v?", True),
        ("path-pattern", "/API/*", False),
        ("path-pattern", "/api", False),
        ("http-request-method", "GET", True),
        ("http-request-method", "POST", False),
        ("query-string", "lang=e?", True),
        ("query-string", "*=en", True),
        ("query-string", "lang=de", False),
        ("source-ip", "10.7.0.0/16", True),
        ("source-ip", "10.8.0.0/16", False),
    ],
)
def test_a_condition_is_met_as_the_guide_says(field: str, value: str, met: bool) -> None:
    assert Condition(field=field, values=(value,)).met(REQUEST) is met


def test_any_value_of_a_condition_is_enough() -> None:
    assert Condition(field="path-pattern", values=("/other", "/api/*")).met(REQUEST)


def test_a_header_is_compared_without_regard_to_case() -> None:
    asked = Condition(field="http-header", header="X-Phoenix-Group", values=("WEB-prod-*",))
    assert asked.met(REQUEST)
    assert not Condition(field="http-header", header="X-Other", values=("*",)).met(REQUEST)


def test_all_conditions_of_a_rule_must_be_met() -> None:
    get, post = (Condition(field="http-request-method", values=(method,)) for method in ("GET", "POST"))
    rules = (
        Rule(arn="both", conditions=(get, post)),
        Rule(arn="one", conditions=(get,)),
        Rule(arn="default", conditions=()),
    )
    assert first_met(rules, REQUEST).arn == "one"


@pytest.mark.parametrize(
    ("matcher", "status", "good"),
    [
        ("200", 200, True),
        ("200", 204, False),
        ("200,302", 302, True),
        ("200-399", 301, True),
        ("200-399", 400, False),
        ("200", None, False),
    ],
)
def test_a_matcher_takes_codes_and_ranges(matcher: str, status: int | None, good: bool) -> None:
    assert passes(matcher, status) is good


def test_one_check_makes_a_new_target_healthy_and_thresholds_the_others() -> None:
    seen = Streak()
    assert seen.health == FIRST_CHECKS

    def check(*statuses: int) -> str:
        nonlocal seen
        for status in statuses:
            seen = seen.after(Probed(status=status), good=status == 200, healthy_after=3, unhealthy_after=2)
        return seen.health.state

    assert check(500) == "initial"
    assert check(200) == "healthy"
    assert seen.health == HEALTHY
    assert check(500) == "healthy"
    assert check(500) == "unhealthy"
    assert check(200, 200) == "unhealthy"
    assert check(200) == "healthy"


def test_what_is_due_happens_in_its_order_and_at_its_moment() -> None:
    clock, begun, seen = Clock(), 0.0, list[tuple[str, float]]()
    begun = clock.now

    def note(what: str) -> None:
        seen.append((what, round(clock.now - begun)))

    def first() -> None:
        note("first")
        clock.later(5, lambda: note("after the first"))

    clock.later(20, lambda: note("last"))
    clock.later(10, first)
    clock.advance(9)
    assert seen == []
    clock.advance(11)
    assert seen == [("first", 10), ("after the first", 15), ("last", 20)]


def test_turns_are_by_weight() -> None:
    turns = Turns()
    drawn = [turns.next("rule", [("a", 3), ("b", 1), ("c", 0)]) for _each in range(8)]
    assert (drawn.count("a"), drawn.count("b"), drawn.count("c")) == (6, 2, 0)
    assert turns.next("rule", [("c", 0)]) is None
