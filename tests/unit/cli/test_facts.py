"""Facts for people: yes and no, ages and sizes, lists; and nothing that is not known."""

from __future__ import annotations

from phoenix.cli.text.facts import fact_lines, size
from tests.support.fakes.desk import Desk

V1 = "web-tier-local-v001"


def test_no_value_looks_as_python_prints_it() -> None:
    facts = {
        "name": "x",
        "verified": True,
        "dirty": False,
        "commit": None,
        "age": 7200,
        "size": 3 * 1024**3 // 2,
        "packages": {"hello": "1.0", "world": "2.0"},
        "in_use_by": ["a", "b"],
        "nothing": (),
    }
    assert fact_lines(facts, sizes=("size",)).splitlines() == [
        "name       x",
        "verified   yes",
        "dirty      no",
        "age        2h",
        "size       1.5 GiB",
        "packages   hello=1.0, world=2.0",
        "in use by  a, b",
    ]


def test_sizes() -> None:
    assert [size(300), size(1024), size(5 * 1024**2)] == ["300 bytes", "1.0 KiB", "5.0 MiB"]


def test_the_pages_of_groups_images_and_repositories(desk: Desk) -> None:
    desk.roll("1.0.0")
    for words in (("group", "show", V1), ("image", "show", "image-1"), ("repository", "show"), ("status",)):
        page = desk.page(*words)
        for ugly in ("None", "True", "False", "{", "('", "()"):
            assert ugly not in page, (words, page)
