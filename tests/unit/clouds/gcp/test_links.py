"""Links name one thing in several ways."""

from __future__ import annotations

from phoenix.clouds.gcp import links

WHOLE = "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west1-b/instances/web-1"
OTHER = "https://compute.googleapis.com/compute/v1/projects/p/zones/europe-west1-b/instances/web-1"


def test_parts() -> None:
    assert links.name_of(WHOLE) == "web-1"
    assert links.part_of(WHOLE, "zones") == "europe-west1-b"
    assert links.part_of(WHOLE, "regions") == ""
    assert links.name_of("web-1") == "web-1"
    assert links.name_of("") == ""


def test_two_links_to_one_thing_are_alike() -> None:
    assert links.short(WHOLE) == "projects/p/zones/europe-west1-b/instances/web-1"
    assert links.same(WHOLE, OTHER)
    assert links.same(WHOLE, links.short(OTHER))
    assert not links.same(WHOLE, WHOLE.replace("web-1", "web-2"))
    assert links.short("global/networks/default") == "global/networks/default"
