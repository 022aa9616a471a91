"""The form of a service's `timeouts`: what its balancer gives up waiting for, and when."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from phoenix.manner import Timeouts
from phoenix.spec.form.fields import Form, Period, written, wrong
from phoenix.spec.services import LONGEST, longest


def _no_longer(seconds: float) -> float:
    if seconds > LONGEST:
        raise wrong("is too long for a time limit; accepted: 1s to 7d")
    return seconds


Limit = Annotated[Period, AfterValidator(_no_longer)]


class TimeoutsForm(Form):
    """Time limits of the service's balancer."""

    connect: Limit = Field(default=written("5s"), description="How long a machine may take to accept a connection.")
    response: Limit | None = Field(
        default=None,
        description="How long a machine may be silent while it owes an answer; 60s, or as long as `drain` is.",
    )
    idle: Limit = Field(default=written("60s"), description="How long a client's connection may carry nothing.")

    def read(self, drain: float) -> Timeouts:
        """The frozen value of a service whose requests may take `drain` seconds when it is rolled."""
        response = longest(drain) if self.response is None else self.response
        return Timeouts(connect=self.connect, response=response, idle=self.idle)
