"""A run on a real account begins only where somebody asked for it in so many words, and says what it costs."""

from __future__ import annotations

import math

import pytest

from phoenix.errors import RefusedError
from tests.account import costs, limits, run, wishes
from tests.account.wishes import Wishes

ASKED = {
    "PHOENIX_AWS_REGION": "eu-west-1",
    "PHOENIX_AWS_SUBNETS": "subnet-a, subnet-b",
    "PHOENIX_AWS_SPEND": "5",
}


def test_what_is_asked_for() -> None:
    assert wishes.read(ASKED) == Wishes(region="eu-west-1", subnets=("subnet-a", "subnet-b"), minutes=90)
    more = {"PHOENIX_AWS_MINUTES": "30", "PHOENIX_AWS_CLIENTS": "192.0.2.1/32"}
    assert wishes.read(ASKED | more).minutes == 30
    assert wishes.read(ASKED | more).clients == "192.0.2.1/32"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"PHOENIX_AWS_REGION": " "}, "PHOENIX_AWS_REGION is not set"),
        ({"PHOENIX_AWS_SUBNETS": ""}, "PHOENIX_AWS_SUBNETS names fewer than two subnets"),
        ({"PHOENIX_AWS_SUBNETS": "subnet-a,subnet-a"}, "PHOENIX_AWS_SUBNETS names fewer than two subnets"),
        ({"PHOENIX_AWS_SPEND": ""}, "PHOENIX_AWS_SPEND is not set; such a run costs at most $"),
        ({"PHOENIX_AWS_SPEND": "0.01"}, "PHOENIX_AWS_SPEND is $0.01; such a run costs at most $"),
        ({"PHOENIX_AWS_SPEND": "yes"}, "PHOENIX_AWS_SPEND is 'yes'"),
        ({"PHOENIX_AWS_SPEND": "-5"}, "PHOENIX_AWS_SPEND is '-5'"),
        ({"PHOENIX_AWS_MINUTES": "0"}, "PHOENIX_AWS_MINUTES is 0"),
        ({"PHOENIX_AWS_MINUTES": "9999"}, "PHOENIX_AWS_MINUTES is 9999"),
    ],
)
def test_nothing_is_begun_without_every_word(changed: dict[str, str], words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        wishes.read(ASKED | changed)
    assert refused.value.details.startswith(words)
    assert refused.value.details.endswith("nothing was made")
    assert refused.value.resolution


def test_a_longer_run_asks_for_more() -> None:
    with pytest.raises(RefusedError, match="costs at most"):
        wishes.read({**ASKED, "PHOENIX_AWS_SPEND": f"{costs.ceiling(90):.2f}", "PHOENIX_AWS_MINUTES": "300"})


def test_what_is_said_to_suffice_suffices() -> None:
    with pytest.raises(RefusedError) as refused:
        wishes.read({**ASKED, "PHOENIX_AWS_SPEND": "0"})
    (spend,) = (word for word in refused.value.resolution.split("`") if "=" in word)
    name, amount = spend.split("=")
    assert wishes.read({**ASKED, name: amount}).minutes == 90


def test_the_ceiling_is_the_table_in_whole_hours_at_the_dearest_region() -> None:
    an_hour = sum(price.dollars * price.most for price in costs.PRICES) * costs.REGIONS
    assert costs.ceiling(40) >= an_hour
    assert costs.ceiling(40) == pytest.approx(an_hour, abs=0.01)
    assert costs.ceiling(41) == pytest.approx(2 * an_hour, abs=0.01)
    assert costs.ceiling(90) < 2, "dollars"


def test_the_ceiling_is_in_cents_and_rounded_up() -> None:
    assert costs.ceiling(90) * 100 == pytest.approx(math.ceil(costs.ceiling(90) * 100 - 1e-6))


def test_it_says_what_it_makes_where_and_for_how_much() -> None:
    text = run.announced("try-0a1b2c3d", wishes.read(ASKED), "arn:aws:iam::1:user/me")
    for words in ("eu-west-1", "subnet-a", "user/me", "phoenix-test-aws=try-0a1b2c3d", "0.0.0.0/0"):
        assert words in text
    assert f"at most ${costs.ceiling(90):.2f}" in text


def test_no_two_runs_have_one_name() -> None:
    assert limits.new_run() != limits.new_run()
