"""What `phoenix status` warns of."""

from __future__ import annotations

from phoenix.cli.status import unwell_group


def test_a_serving_group_that_is_whole_is_no_warning() -> None:
    assert unwell_group("web-prod-v001", {"healthy": 2, "size": 2}) is None


def test_a_serving_group_with_a_dead_machine_is_told() -> None:
    assert "1 of 2 machines healthy" in (unwell_group("web-prod-v001", {"healthy": 1, "size": 2}) or "")


def test_traffic_to_a_group_that_is_gone_is_told() -> None:
    assert "no longer stands" in (unwell_group("web-prod-v001", None) or "")
