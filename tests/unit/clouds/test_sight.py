"""A look at a cloud: what is asked twice within it is asked once, and nothing outlives it."""

from __future__ import annotations

from phoenix.clouds.sight import FRESH, Sight
from tests.support.fakes.doubles import FakeClock


class Cloud:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sight = Sight(self.clock)
        self.asked = 0

    def read(self, what: str = "groups") -> int:
        return self.sight.seen(self._ask, "describe", {"of": what, "all": True})

    def _ask(self) -> int:
        self.asked += 1
        return self.asked


def test_outside_of_a_look_nothing_is_kept() -> None:
    cloud = Cloud()
    assert [cloud.read(), cloud.read()] == [1, 2]


def test_within_a_look_the_same_question_is_asked_once() -> None:
    cloud = Cloud()
    with cloud.sight.look():
        assert [cloud.read(), cloud.read("rules"), cloud.read()] == [1, 2, 1]


def test_the_next_look_is_a_fresh_one() -> None:
    cloud = Cloud()
    for expected in (1, 2):
        with cloud.sight.look():
            assert cloud.read() == expected


def test_a_look_within_a_look_is_a_part_of_it() -> None:
    cloud = Cloud()
    with cloud.sight.look():
        with cloud.sight.look():
            cloud.read()
        assert cloud.read() == 1


def test_what_is_forgotten_is_asked_again() -> None:
    cloud = Cloud()
    with cloud.sight.look():
        cloud.read()
        cloud.sight.forget()
        assert cloud.read() == 2


def test_a_long_look_gives_no_old_answers() -> None:
    cloud = Cloud()
    with cloud.sight.look():
        cloud.read()
        cloud.clock.sleep(FRESH)
        assert cloud.read() == 2


def test_an_error_ends_the_look() -> None:
    cloud = Cloud()
    try:
        with cloud.sight.look():
            cloud.read()
            raise KeyError
    except KeyError:
        assert cloud.read() == 2


def test_what_another_answer_told_is_not_asked_for() -> None:
    cloud = Cloud()
    cloud.sight.tell(7, "describe", {"all": True, "of": "groups"})
    assert cloud.read() == 1, "outside of a look nothing is kept"
    with cloud.sight.look():
        cloud.sight.tell(7, "describe", {"all": True, "of": "groups"})
        assert cloud.read() == 7
