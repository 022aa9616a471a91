"""Whatever stands in the file: it becomes a Project or a SpecError, never anything else."""

import random
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from phoenix.errors import SpecError
from phoenix.spec.load import load
from phoenix.spec.mistakes import MistakesError
from phoenix.spec.project import Project
from tests.unit.spec.conftest import GOOD

QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
WORDS = [*sorted({word for line in GOOD.splitlines() for word in line.replace("{", " ").replace(":", " ").split()})]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.text(max_size=8), st.dates()
)
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(
        st.lists(below, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.integers(), st.text(max_size=4)), below, max_size=4),
    ),
    max_leaves=20,
)


def outcome(directory: Path, content: bytes) -> Project | SpecError:
    file = directory / "phoenix.yaml"
    file.write_bytes(content)
    try:
        return load(file, {"NAME": "x"})
    except SpecError as error:
        return error


@QUICK
@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbfversion: 1")
@example(b"[" * 5000)
@example(b"? ")
@example(b"a: 9" + b"9" * 5000)
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    assert isinstance(outcome(tmp_path, content), SpecError)


@QUICK
@given(st.text(alphabet="abc:-{}[]&*!|>'\"%@`#?,<= \n\t$.0~", max_size=200))
def test_any_text_like_yaml(tmp_path: Path, text: str) -> None:
    assert isinstance(outcome(tmp_path, text.encode()), SpecError)


@QUICK
@given(TREES)
def test_any_tree(tmp_path: Path, tree: Any) -> None:
    assert isinstance(outcome(tmp_path, yaml.safe_dump(tree, allow_unicode=True).encode()), SpecError)


@QUICK
@given(st.integers(0, 10**9), st.lists(TREES, min_size=1, max_size=3))
def test_a_good_file_with_anything_put_somewhere(directory: Path, seed: int, trees: list[Any]) -> None:
    data = yaml.safe_load(GOOD)
    choose = random.Random(seed)
    for tree in trees:
        here: Any = data
        while True:
            key = choose.choice(list(here) if isinstance(here, dict) else list(range(len(here))))
            if not isinstance(here[key], dict | list) or not here[key] or choose.random() < 0.2:
                here[key] = tree
                break
            here = here[key]
    found = outcome(directory, yaml.safe_dump(data, allow_unicode=True).encode())
    if isinstance(found, MistakesError):
        assert found.brief
        assert found.resolution
        lines = len((directory / "phoenix.yaml").read_text().splitlines()) + 1  # YAML knows other line ends, too
        assert all(1 <= mistake.line <= lines for mistake in found.mistakes)
