"""The rule by which a group alone is reached: its header, its conditions, its priority."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.aws.balancer import preview, rule
from phoenix.errors import RefusedError
from phoenix.model import Place
from tests.unit.clouds.aws.test_rule import ARN, LEGACY, NEW

MARK = preview.place_mark("acme", Place(service="web", environment="prod"))
HOST = {
    "Field": "host-header",
    "Values": ["*.acme.example"],
    "HostHeaderConfig": {"Values": ["*.acme.example"]},
}
PATH = {"Field": "path-pattern", "Values": ["/api/*"]}


def answer(value: str, *forwards: str, priority: str = "9", name: str = "X-Phoenix-Group") -> rule.Rule:
    return rule.parsed(
        {
            "RuleArn": f"{ARN}:listener-rule/app/front/1/2/4",
            "Priority": priority,
            "Conditions": [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": [value]}}],
            "Actions": [
                {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": arn} for arn in forwards]}}
            ],
        }
    )


def live(*conditions: dict[str, Any], priority: str = "10") -> rule.Rule:
    return rule.parsed({"RuleArn": "arn", "Priority": priority, "Conditions": conditions, "Actions": []})


@pytest.mark.parametrize("leaving", [False, True])
@pytest.mark.parametrize("group", ["web-prod-v001", "legacy", "Blue group (1)", "a.b", "*"])
def test_a_rule_tells_whose_it_is_by_a_word_that_nobody_guesses(group: str, leaving: bool) -> None:
    value = preview.header(group, NEW, MARK, leaving=leaving)
    assert value != preview.header(group, NEW, MARK, leaving=leaving)
    assert len(value) <= 128
    assert not set(value) & set("*? ")
    shown = preview.found(answer(value, NEW), MARK)
    assert shown is not None
    assert (shown.group, shown.target_group, shown.header, shown.leaving) == (group, NEW, value, leaving)


def test_a_name_that_is_too_long_for_a_header_is_to_be_looked_up() -> None:
    value = preview.header("x" * 255, LEGACY, MARK)
    assert value.startswith("~legacy.")
    shown = preview.found(answer(value, LEGACY), MARK)
    assert shown is not None
    assert (shown.group, shown.target_group) == ("", LEGACY)


@pytest.mark.parametrize(
    "other",
    [
        answer("web-prod-v001", NEW),
        answer(f"web-prod-v001.{'0' * 32}", NEW),
        answer(
            preview.header("api-prod-v001", NEW, preview.place_mark("acme", Place(service="api", environment="p"))), NEW
        ),
        answer(preview.header("web-prod-v001", NEW, MARK), NEW, name="X-Other"),
        answer(preview.header("web-prod-v001", NEW, MARK), NEW, LEGACY),
        answer(preview.header("web-prod-v001", NEW, MARK), NEW, priority="default"),
        live(HOST, PATH),
    ],
    ids=["no word", "another word", "another place", "another header", "two groups", "default", "no header"],
)
def test_other_rules_are_none_of_the_places(other: rule.Rule) -> None:
    assert preview.found(other, MARK) is None


def test_a_preview_stays_within_its_service() -> None:
    asked = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-phoenix-group", "Values": ["word"]}}
    assert preview.conditions(live(), "word") == [asked]
    assert preview.conditions(live(HOST, PATH), "word") == [
        asked,
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.acme.example"]}},
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}},
    ]


def test_the_header_has_to_do_where_there_is_no_room_for_more() -> None:
    four = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b", "/c", "/d"]}}
    five = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b", "/c", "/d", "/e"]}}
    assert len(preview.conditions(live(four), "word")) == 2
    assert len(preview.conditions(live(five), "word")) == 1
    assert len(preview.conditions(live(four, HOST), "word")) == 1


def test_the_host_of_a_preview_is_one_that_the_rule_is_for() -> None:
    assert preview.hosts(live(HOST, PATH)) == ("preview.acme.example",)
    assert preview.hosts(live(PATH)) == ()


@pytest.mark.parametrize(
    ("priority", "taken", "free"),
    [
        ("default", [], 1),
        ("default", [1, 10], 11),
        ("default", [1, 50_000], 49_999),
        ("10", [10], 9),
        ("10", [10, 9, 7], 8),
        ("10", [1, 10, 20], 9),
    ],
)
def test_a_preview_comes_right_before_its_service(priority: str, taken: list[int], free: int) -> None:
    assert preview.free_priority(live(priority=priority), taken, "HTTP:80 of front") == free


@pytest.mark.parametrize(("priority", "taken"), [("1", [1]), ("3", [1, 2, 3]), ("default", range(1, 50_001))])
def test_no_room_before_the_service_is_refused_by_name(priority: str, taken: list[int]) -> None:
    with pytest.raises(RefusedError, match=r"rule.* of the listener HTTP:80 of front"):
        preview.free_priority(live(priority=priority), taken, "HTTP:80 of front")
