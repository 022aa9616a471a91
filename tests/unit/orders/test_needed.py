"""Who needs which package: groups that stand, what served before them, images, runs that are not over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from phoenix.errors import CloudError
from phoenix.model import Package
from phoenix.orders import needed
from phoenix.orders.site import Site
from tests.support.fakes.desk import Desk

OLD, NEW = "web-tier-local-v001", "web-tier-local-v002"


@contextmanager
def site_of(desk: Desk) -> Iterator[Site]:
    yield desk.open(desk.directory / "phoenix.yaml", {})


def needs(desk: Desk) -> dict[str, set[str]]:
    """Who needs which version of hello."""
    with site_of(desk) as site:
        found = needed.of(site, "main")
    by_version: dict[str, set[str]] = {}
    for need in found:
        assert need.name == "hello"
        by_version.setdefault(need.version, set()).add(need.who)
    return by_version


def test_groups_and_ways_back_need_what_their_machines_install(desk: Desk) -> None:
    assert needs(desk) == {}
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    way = "the way back of web-tier/local to"
    assert needs(desk) == {"1.0.0": {f"group {OLD}", f"{way} {OLD}"}, "2.0.0": {f"group {NEW}", f"{way} {NEW}"}}
    desk.run("group", "delete", OLD, "--yes")
    assert needs(desk)["1.0.0"] == {f"{way} {OLD}"}, "a rollback would start it again"
    desk.roll("3.0.0")
    assert "1.0.0" not in needs(desk)


def test_a_held_run_needs_what_it_is_about_to_start(desk: Desk) -> None:
    desk.roll("1.0.0")
    held = desk.roll("2.0.0", "--no-traffic", code=8)
    assert f"{held['run']} (held)" in needs(desk)["2.0.0"]


def test_an_image_needs_what_was_baked_in(desk: Desk) -> None:
    baked = Package(name="hello", version="3.0.0", sha256="3" * 64, repository="main")
    desk.images.there["image-2"] = replace(desk.images.put("image-2"), packages=(baked,))
    (who,) = needs(desk)["3.0.0"]
    assert who.startswith("image ")


def test_a_package_of_another_repository_is_not_meant(desk: Desk) -> None:
    desk.roll("1.0.0")
    with site_of(desk) as site:
        assert needed.of(site, "other") == ()


def test_a_cloud_that_does_not_answer_is_not_one_that_needs_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> tuple[object, ...]:
        raise CloudError("no answer")

    with site_of(desk) as site:
        monkeypatch.setattr(site.cloud("local").groups, "list", silent)
        with pytest.raises(CloudError, match="no answer"):
            needed.of(site, "main")
