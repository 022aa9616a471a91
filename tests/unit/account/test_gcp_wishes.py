"""A run on a real project begins only where somebody asked for it in so many words, and takes nobody else's things."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.errors import RefusedError
from tests.account import costs, limits
from tests.account.gcp import run, wishes
from tests.account.gcp.prices import PRICES
from tests.account.gcp.removal import is_of
from tests.account.gcp.wishes import Wishes

ASKED = {"PHOENIX_GCP_PROJECT": "shop-test", "PHOENIX_GCP_REGION": "europe-west1", "PHOENIX_GCP_SPEND": "5"}
RUN = "try-0a1b2c3d"


def test_what_is_asked_for() -> None:
    assert wishes.read(ASKED) == Wishes(project="shop-test", region="europe-west1", minutes=90)
    more = {"PHOENIX_GCP_MINUTES": "30", "PHOENIX_GCP_CLIENTS": "192.0.2.1/32", "PHOENIX_GCP_NETWORK": "lab"}
    asked = wishes.read(ASKED | more)
    assert (asked.minutes, asked.clients, asked.network) == (30, "192.0.2.1/32", "lab")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"PHOENIX_GCP_PROJECT": " "}, "PHOENIX_GCP_PROJECT is not set"),
        ({"PHOENIX_GCP_PROJECT": "Shop"}, "PHOENIX_GCP_PROJECT is 'Shop'"),
        ({"PHOENIX_GCP_REGION": ""}, "PHOENIX_GCP_REGION is not set"),
        ({"PHOENIX_GCP_REGION": "europe-west1-b"}, "PHOENIX_GCP_REGION is 'europe-west1-b'"),
        ({"PHOENIX_GCP_SPEND": ""}, "PHOENIX_GCP_SPEND is not set; such a run costs at most $"),
        ({"PHOENIX_GCP_SPEND": "0.01"}, "PHOENIX_GCP_SPEND is $0.01; such a run costs at most $"),
        ({"PHOENIX_GCP_SPEND": "yes"}, "PHOENIX_GCP_SPEND is 'yes'"),
        ({"PHOENIX_GCP_MINUTES": "0"}, "PHOENIX_GCP_MINUTES is 0"),
        ({"PHOENIX_GCP_MINUTES": "9999"}, "PHOENIX_GCP_MINUTES is 9999"),
    ],
)
def test_what_is_not_begun(changed: dict[str, str], words: str) -> None:
    with pytest.raises(RefusedError) as error:
        wishes.read(ASKED | changed)
    assert words in str(error.value)


def test_the_ceiling_is_all_of_it_for_all_of_the_time() -> None:
    an_hour = sum(price.dollars * price.most for price in PRICES) * costs.REGIONS
    assert costs.ceiling(40, PRICES) == pytest.approx(an_hour, abs=0.01)
    assert costs.ceiling(41, PRICES) == pytest.approx(2 * an_hour, abs=0.01)
    assert costs.ceiling(90, PRICES) < 2, "dollars"
    assert wishes.read({**ASKED, "PHOENIX_GCP_SPEND": f"{costs.ceiling(90, PRICES):.2f}"}).minutes == 90


def test_it_says_what_it_makes_where_and_for_how_much() -> None:
    text = run.announced(RUN, wishes.read(ASKED))
    for words in ("shop-test", "europe-west1", f"test-of-phoenix={RUN}", "0.0.0.0/0"):
        assert words in text
    assert f"at most ${costs.ceiling(90, PRICES):.2f}" in text


def test_only_the_name_of_a_run_is_one() -> None:
    assert limits.ours(RUN) == RUN
    for name in ("", "try-", "web", "try-0a1b2c3d-prod-v001"):
        with pytest.raises(RefusedError, match="nothing was removed"):
            limits.ours(name)


@pytest.mark.parametrize(
    ("thing", "ours"),
    [
        ({"name": "hello-1", "labels": {"test-of-phoenix": RUN}}, True),
        ({"name": "hello-1", "labels": {"test-of-phoenix": "try-00000000"}}, False),
        ({"name": f"{RUN}-prod-v001", "description": f'{{"phoenix-project": "{RUN}"}}'}, True),
        ({"name": f"{RUN}-prod-v001", "description": "somebody's"}, False),
        ({"name": f"{RUN}-prod-v001"}, False),
        ({"name": "web", "description": f"made like {RUN}"}, False),
    ],
)
def test_whose_a_thing_is(thing: dict[str, Any], ours: bool) -> None:
    assert is_of(RUN, thing) is ours
