"""Instance refreshes: a group's instances replaced in turns.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.found import named
from tests.emulators.aws.autoscaling.model import Group
from tests.emulators.aws.autoscaling.templates import resolved, specified
from tests.emulators.aws.faults import RefusedError

STEP = 1.0
"""Virtual seconds between two looks of a refresh."""
UNDER_WAY = ("Pending", "InProgress", "Cancelling", "RollbackInProgress")
LEAST_HEALTHY = 90
"""https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html: MinHealthyPercentage"""


@dataclass
class Refresh:
    """One of a group."""

    group: Group
    begun: datetime
    old: list[str]
    """The instances that are to be replaced, in their order."""
    wanted: dict[str, str] | None
    """The launch template of DesiredConfiguration."""
    preferences: Shape
    desired: Shape
    status: str = "Pending"
    ended: datetime | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def left(self) -> list[str]:
        """Who is still to be replaced."""
        return [
            one for one in self.old if one in self.group.members and not self.group.members[one].state.startswith("T")
        ]

    def shape(self) -> Shape:
        """As the API shows it."""
        share = 100 if not self.old else int(100 * (len(self.old) - len(self.left)) / len(self.old))
        shape: Shape = {
            "InstanceRefreshId": self.id,
            "AutoScalingGroupName": self.group.name,
            "Status": self.status,
            "StartTime": self.begun,
            "PercentageComplete": 100 if self.status == "Successful" else share,
            "InstancesToUpdate": len(self.left),
            "Preferences": self.preferences,
            "DesiredConfiguration": self.desired,
        }
        return shape | ({"EndTime": self.ended} if self.ended else {})


class Refreshes:
    """The refreshes of all groups, the newest of each first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._of: dict[str, list[Refresh]] = {}

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto."""
        answers.add(
            "autoscaling",
            StartInstanceRefresh=self._start,
            DescribeInstanceRefreshes=self._describe,
            CancelInstanceRefresh=self._cancel,
            RollbackInstanceRefresh=self._roll_back,
        )

    def forget(self) -> None:
        """None is left."""
        self._of.clear()

    def _group(self, asked: Asked) -> Group:
        return named(self._engine, asked)

    def under_way(self, group: Group) -> Refresh | None:
        """The refresh that is replacing instances now."""
        return next((one for one in self._of.get(group.arn, []) if one.status in UNDER_WAY), None)

    def _start(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html"""
        group, desired = self._group(asked), asked.get("DesiredConfiguration") or {}
        if self.under_way(group):
            raise RefusedError(
                "InstanceRefreshInProgress",
                "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
            )
        refresh = Refresh(
            group=group,
            begun=self._engine.emulated.clock.date,
            old=self._to_replace(group, asked),
            wanted=specified(group.region, desired),
            preferences=dict(asked.get("Preferences") or {}),
            desired=dict(desired),
        )
        group.refreshing = refresh.wanted
        self._of.setdefault(group.arn, []).insert(0, refresh)
        self._engine.emulated.clock.later(STEP, partial(self._step, refresh))
        return {"InstanceRefreshId": refresh.id}

    def _to_replace(self, group: Group, asked: Asked) -> list[str]:
        members = sorted(group.counted, key=lambda member: (member.launched, member.id))
        if not (asked.get("Preferences") or {}).get("SkipMatching"):
            return [member.id for member in members]
        wanted = specified(group.region, asked.get("DesiredConfiguration") or {}) or group.template or {}
        shape = resolved(group.region, wanted).shape
        return [member.id for member in members if member.template != shape]

    def _step(self, refresh: Refresh) -> None:
        if refresh.status not in ("Pending", "InProgress", "RollbackInProgress"):
            return
        group, engine = refresh.group, self._engine
        if engine.groups.get((group.region, group.name)) is not group or group.deleting:
            self._end(refresh, "Failed")
            return
        engine.emulated.clock.later(STEP, partial(self._step, refresh))
        if "InstanceRefresh" in group.suspended:
            return
        refresh.status = "InProgress" if refresh.status == "Pending" else refresh.status
        share = refresh.preferences.get("MinHealthyPercentage")
        floor = math.ceil(group.desired * int(LEAST_HEALTHY if share is None else share) / 100)
        serving = [member for member in group.counted if member.state == "InService"]
        free = [one for one in refresh.left if not group.members[one].protected]
        if free and (len(serving) > floor or len(serving) >= group.desired):
            engine.end(group, group.members[free[0]], "an instance refresh replaces it")
            engine.settle(group, "an instance refresh replaces an instance")
        elif not refresh.left and len(serving) >= group.desired:
            if refresh.status == "InProgress" and refresh.wanted:
                group.template = refresh.wanted
                group.given.pop("MixedInstancesPolicy", None)
            self._end(refresh, "RollbackSuccessful" if refresh.status == "RollbackInProgress" else "Successful")

    def _end(self, refresh: Refresh, status: str) -> None:
        refresh.status, refresh.ended = status, self._engine.emulated.clock.date
        refresh.group.refreshing = None

    def _active(self, asked: Asked) -> Refresh:
        refresh = self.under_way(self._group(asked))
        if refresh is None:
            raise RefusedError(
                "ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found for the group"
            )
        return refresh

    def _cancel(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CancelInstanceRefresh.html

        What was replaced stays so; the group's template is the new one only after a refresh that succeeded.
        """
        refresh = self._active(asked)
        self._end(refresh, "Cancelled")
        return {"InstanceRefreshId": refresh.id}

    def _roll_back(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RollbackInstanceRefresh.html"""
        refresh = self._active(asked)
        group = refresh.group
        group.refreshing, refresh.status = None, "RollbackInProgress"
        refresh.old = [member.id for member in group.counted if member.id not in refresh.old]
        return {"InstanceRefreshId": refresh.id}

    def _describe(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeInstanceRefreshes.html"""
        wanted = asked.get("InstanceRefreshIds") or []
        shown = [one.shape() for one in self._of.get(self._group(asked).arn, []) if not wanted or one.id in wanted]
        return paged(asked, "InstanceRefreshes", shown)
