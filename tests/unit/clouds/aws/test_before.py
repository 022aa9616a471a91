"""What a rule did before phoenix, kept in tags."""

from __future__ import annotations

import random
import re
import string
from typing import Any

import pytest

from phoenix.clouds.aws.balancer import before
from tests.unit.clouds.aws.test_rule import FIXED, FORWARD, REDIRECT

NOISE = "".join(random.Random(1).choices(string.printable, k=1024))
"""As long as a fixed response may be, and nothing that can be compressed."""


@pytest.mark.parametrize(
    "action",
    [
        FORWARD,
        REDIRECT,
        FIXED,
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "MessageBody": NOISE}},
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "MessageBody": "schön ✓"}},
    ],
)
def test_an_action_comes_back_from_tags_that_aws_takes(action: dict[str, Any]) -> None:
    tags = before.kept(action)
    assert before.found({"team": "web", **tags}) == action
    assert len(tags) <= 10
    assert all(re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]{1,256}", value) for value in tags.values())


def test_a_shorter_action_is_read_over_the_rest_of_a_longer_one() -> None:
    longer = before.kept({"Type": "fixed-response", "FixedResponseConfig": {"MessageBody": NOISE}})
    assert before.found({**longer, **before.kept(FIXED)}) == FIXED


def test_tags_that_keep_nothing_or_were_cut_keep_nothing() -> None:
    tags = before.kept({"Type": "fixed-response", "FixedResponseConfig": {"MessageBody": NOISE}})
    first = f"{before.BEFORE}-1"
    assert before.found({}) is None
    assert before.found({**tags, before.BEFORE: "many"}) is None
    assert before.found({key: value for key, value in tags.items() if key != first}) is None
    assert before.found({**tags, first: "not what was written"}) is None
