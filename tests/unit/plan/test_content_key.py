"""The content key changes with everything that counts, and with nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.model import ImageType, Package
from phoenix.plan import content_key as module
from phoenix.plan.content_key import Ingredients, content_key
from phoenix.spec.images import ImageName, Variable

HELLO = Package(name="hello", version="1.0.0", sha256="1" * 64, repository="main")
HELPER = Package(name="helper", version="2.0.0", sha256="2" * 64, repository="main")
BASIC = Ingredients(
    image=ImageName(type=ImageType.FOUNDATION, name="nodejs"),
    base="",
    files={"nodejs.yml": "a" * 64, "roles/nodejs/tasks/main.yml": "b" * 64},
    template="c" * 64,
    variables={"version": 18, "user": {"name": "nodejs", "groups": ["a", "b"]}},
    packages=(HELLO, HELPER),
    tests=("node --version",),
    builder="chroot",
    ansible="2.19.0",
)
KEY = content_key(BASIC, "p" * 64)


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASIC, image=ImageName(type=ImageType.FOUNDATION, name="node")),
        replace(BASIC, base="bookworm"),
        replace(BASIC, files={**BASIC.files, "nodejs.yml": "d" * 64}),
        replace(BASIC, files={**BASIC.files, "roles/nodejs/files/new": "d" * 64}),
        replace(BASIC, files={"nodejs.yml": "a" * 64}),
        replace(BASIC, template="d" * 64),
        replace(BASIC, variables={**BASIC.variables, "version": 20}),
        replace(BASIC, variables={**BASIC.variables, "version": "18"}),
        replace(BASIC, variables={**BASIC.variables, "user": {"name": "nodejs", "groups": ["b", "a"]}}),
        replace(BASIC, packages=(HELLO,)),
        replace(BASIC, packages=(replace(HELLO, version="1.0.1"), HELPER)),
        replace(BASIC, packages=(replace(HELLO, sha256="3" * 64), HELPER)),
        replace(BASIC, tests=("node --version", "id nodejs")),
        replace(BASIC, builder="packer"),
        replace(BASIC, ansible="2.19.1"),
    ],
)
def test_what_counts_changes_the_key(changed: Ingredients) -> None:
    assert content_key(changed, "p" * 64) != KEY


@pytest.mark.parametrize(
    "same",
    [
        replace(BASIC, files=dict(reversed(list(BASIC.files.items())))),
        replace(BASIC, variables=dict(reversed(list(BASIC.variables.items())))),
        replace(BASIC, packages=(HELPER, HELLO)),
        replace(BASIC, packages=(replace(HELLO, repository="mirror"), HELPER)),
    ],
)
def test_order_and_origin_do_not_change_the_key(same: Ingredients) -> None:
    assert content_key(same, "p" * 64) == KEY


def test_the_parent_changes_the_key() -> None:
    assert len({KEY, content_key(BASIC, "q" * 64), content_key(BASIC, None)}) == 3


def test_a_new_schema_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECIPE_SCHEMA", module.RECIPE_SCHEMA + 1)
    assert content_key(BASIC, "p" * 64) != KEY


def test_the_key_is_the_same_on_every_machine() -> None:
    """A key that moved by itself would make every image of every user stale: raise RECIPE_SCHEMA knowingly."""
    assert KEY == "3ce6614c3683ff65ce35126a9c7c59667111b217f5a51118c87f415caadbcac8"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(variables=st.dictionaries(st.text(), values, max_size=4))
def test_any_variables_have_a_stable_key(variables: dict[str, Variable]) -> None:
    shuffled = dict(sorted(variables.items(), reverse=True))
    first, second = (content_key(replace(BASIC, variables=v), None) for v in (variables, shuffled))
    assert first == second
    assert len(first) == 64
