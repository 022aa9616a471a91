"""The form of a service's `health`. What it leaves out depends on the cloud that an environment is on."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from phoenix.model import CloudKind, Health
from phoenix.spec.form.fields import Duration, Form, Integer, Matches, Period, written

HealthPath = Annotated[
    str, Matches(re.compile(r"/[!-~]*", re.ASCII), "path", "what follows the host in an address, such as /healthz")
]
HERE, ELSEWHERE = (2.0, 300.0), (5.0, 600.0)
"""Interval and deadline in seconds: machines of this computer boot in seconds and are asked for nothing; those of a
cloud are counted calls and minutes away.
"""


class HealthForm(Form):
    """How a machine proves that its service works."""

    path: HealthPath = Field(default="/healthz", description="Path that is asked.", examples=["/ready"])
    status: Annotated[Integer, Field(ge=100, le=599)] = Field(
        default=200, description="HTTP status that means healthy.", examples=[204]
    )
    interval: Period | None = Field(
        default=None, description="Time between two questions; 2s, on gcp and aws 5s.", examples=["2s"]
    )
    healthy_after: Duration = Field(
        default=written("5s"), description="How long it must answer without a break.", examples=["10s"]
    )
    deadline: Period | None = Field(
        default=None,
        description="How long after its start a group may take to become healthy; 5m, on gcp and aws 10m.",
    )

    def read(self, kind: CloudKind) -> Health:
        """The frozen value on a cloud of that kind."""
        interval, deadline = HERE if kind is CloudKind.LOCAL else ELSEWHERE
        return Health(
            path=self.path,
            status=self.status,
            interval=interval if self.interval is None else self.interval,
            healthy_after=self.healthy_after,
            deadline=deadline if self.deadline is None else self.deadline,
        )
