"""What a listing of the groups tells of each of them: within one look, and for as long as the listing itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phoenix.clouds.aws.calls import Answer, Calls
from phoenix.clouds.aws.machines.launch_templates import LaunchTemplates
from phoenix.clouds.aws.machines.looks import Looks
from phoenix.clouds.sight import FRESH, Sight
from tests.support.fakes.doubles import FakeClock
from tests.unit.clouds.aws import answers
from tests.unit.clouds.aws.account import SPEC


class Counted(Calls):
    """One group of somebody else's, and how often AWS was asked."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(SPEC)
        self.sight = Sight(clock)
        self.times = 0

    def _asked(self, service: str, action: str, parameters: Answer) -> Answer:
        self.times += 1
        return {"AutoScalingGroups": [answers.group(Tags=[])]}

    def _paged(self, service: str, action: str, key: str, parameters: Answer) -> Iterator[Any]:
        yield from self._asked(service, action, parameters)[key]


def test_what_a_listing_told_is_as_old_as_the_listing() -> None:
    clock = FakeClock()
    calls = Counted(clock)
    looks = Looks(calls, "shop", LaunchTemplates(calls, "shop", clock), clock)
    with calls.sight.look():
        looks.all()
        assert looks.found(answers.NAME) is not None
        assert calls.times == 1
        clock.sleep(FRESH - 1)
        looks.all()
        assert calls.times == 1
        clock.sleep(FRESH - 1)
        looks.found(answers.NAME)
        assert calls.times == 2
