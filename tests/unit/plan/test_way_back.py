"""Where a rollback of a repository goes to: further back each time, and past what changed no package."""

from __future__ import annotations

import pytest

from phoenix.debs import State
from phoenix.plan.states import way_back


def states(*of: int) -> tuple[State, ...]:
    """States 0, 1, 2...: each with the number of the one whose packages it has again, or 0."""
    names = [f"main-{number:04d}" for number in range(len(of) + 1)]
    made = (State(name=names[n], number=n, at="", of=names[o] if o else "") for n, o in enumerate(of, 1))
    return (State(name=names[0], number=0, at=""), *made)


@pytest.mark.parametrize(
    ("of", "goes_to"),
    [
        ((0,), None),
        ((0, 0), 1),
        ((0, 0, 1), None),  # back to the first: there is nothing before it
        ((0, 0, 0, 2), 1),  # back to the second: further back is the first
        ((0, 0, 0, 2, 0), 4),  # published after that: what was gone back to
        ((0, 0, 2), 1),  # a key was rotated: the same packages are no way back
        ((0, 0, 2, 3), 1),
        ((0, 0, 0, 2, 4), 1),  # and rotated after a rollback
    ],
)
def test_where_it_goes(of: tuple[int, ...], goes_to: int | None) -> None:
    found = way_back(states(*of), f"main-{len(of):04d}")
    assert (found.number if found else None) == goes_to


def test_a_state_that_is_gone_is_passed_over() -> None:
    standing = tuple(state for state in states(0, 0, 0, 2) if state.number not in (0, 2))
    found = way_back(standing, "main-0004")
    assert found is not None
    assert found.number == 3
    assert way_back((), "main-0004") is None
