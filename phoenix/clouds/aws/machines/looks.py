"""Looking at groups: in as few calls as can be, however large they are.

A group that is as large as it wants to be costs one call a look. What never changes is asked once: the release of a
launch template's version, the address of a machine, the port of a target group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from phoenix.clock import Clock
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.calls import Answer, Calls, RefusedCallError
from phoenix.clouds.aws.machines import activities, group_reading
from phoenix.clouds.aws.machines.activities import Activity, Trouble
from phoenix.clouds.aws.machines.group_reading import Found, Machine, TemplateVersion
from phoenix.clouds.aws.machines.launch_templates import LaunchTemplates
from phoenix.model import Group, InstanceState
from phoenix.wait import Look, Verdict, wait_for

PAGE, MACHINES = 100, 250
"""The largest page that AWS gives of groups; of machines one that it fills well within the seconds of a call."""
VALUES = 200
"""Of one filter, at most."""
ACTIVITIES = 20
"""So many of the last ones tell why no machine starts."""
BETWEEN_ACTIVITIES = 15.0
"""Seconds between two questions for them: AWS tries again far more rarely."""
AGAIN = 2
"""So often, a second apart, a group that was there is asked for once more before it counts as gone."""
_ALIVE = ["pending", "running", "stopping", "stopped", "shutting-down"]
"""EC2 lists machines for an hour after their end."""


class Looks:
    """Groups of one region as they are now."""

    def __init__(self, calls: Calls, project: str, templates: LaunchTemplates, clock: Clock) -> None:
        self._calls = calls
        self._project = project
        self._templates = templates
        self._clock = clock
        self._machines: dict[str, Machine] = {}
        self._ports: dict[str, str] = {}
        self._old: dict[str, frozenset[str]] = {}
        """Of each group, the activities from before more machines were asked for."""
        self._known: set[str] = set()
        """The names of groups that AWS has shown."""
        self._starts: dict[str, TemplateVersion | None] = {}
        """What they started their machines from when they were shown last."""
        self._told: dict[str, tuple[float, Trouble | None]] = {}
        """When a group's activities were read last, and what they told."""

    def all(self) -> tuple[Group, ...]:
        """The groups of this project."""
        seen = tuple(map(group_reading.found, self._calls.sight.seen(self._listing, "the groups", self._project)))
        self._learn(seen)
        return tuple(self._group(each) for each in seen if each.tags.get(labels.PROJECT) == self._project)

    def _listing(self) -> tuple[Answer, ...]:
        """The groups as AWS tells of them. Who looks at one of them next, in the same look, has seen it."""
        ours = [{"Name": f"tag:{labels.PROJECT}", "Values": [self._project]}]
        pages = self._calls.pages(
            "autoscaling",
            "describe_auto_scaling_groups",
            "AutoScalingGroups",
            Filters=ours,
            PaginationConfig={"PageSize": PAGE},
        )
        answers = tuple(pages)
        for answer in answers:
            name, alone = answer["AutoScalingGroupName"], {"AutoScalingGroups": [answer]}
            self._calls.told("autoscaling", "describe_auto_scaling_groups", alone, AutoScalingGroupNames=[name])
        return answers

    def one(self, name: str) -> Group | None:
        """The group of that name, whosever it is; None where AWS says that there is none."""
        seen = self.found(name)
        if seen is None:
            return None
        self._learn((seen,))
        return self._group(seen)

    def found(self, name: str) -> Found | None:
        """The same as Auto Scaling alone tells of it.

        What it has shown once is gone only when it is not shown several times: answers may be older than a write
        (https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).
        """
        seen = self._shown(name)
        if seen is None and name in self._known:
            seen = self._shown_again(name)
        if seen is None:
            self.forget(name)
        else:
            self._known.add(name)
            self._starts[name] = seen.template
        return seen

    def template(self, name: str) -> TemplateVersion | None:
        """What the group starts machines from, as it was seen last: a group keeps its version."""
        if name not in self._starts:
            self.found(name)
        return self._starts.get(name)

    def forget(self, name: str) -> None:
        """The group is being removed: it is gone as soon as it is not shown."""
        self._known.discard(name)

    def _shown(self, name: str) -> Found | None:
        answer = self._calls.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])
        return next(map(group_reading.found, answer["AutoScalingGroups"]), None)

    def _shown_again(self, name: str) -> Found | None:
        answers: list[Found | None] = []

        def look() -> Look:
            self._calls.sight.forget()
            answers.append(self._shown(name))
            sure = answers[-1] is not None or len(answers) == AGAIN
            return Look(verdict=Verdict.PASS if sure else Verdict.UNKNOWN, seen=f"{name} is not shown")

        wait_for(f"{name} being shown again", look, clock=self._clock, deadline=60.0)
        return answers[-1]

    def remember_activities(self, name: str) -> None:
        """What failed until now says nothing of the machines that are asked for from now on."""
        self._old[name] = frozenset(each.id for each in self._activities(name))
        self._told.pop(name, None)

    def _group(self, seen: Found) -> Group:
        release = self._templates.release(seen.template) if seen.made and seen.template else None
        untold = Trouble(words="its launch template is gone, or tells no release", certain=False)
        return group_reading.group(
            seen,
            release=release,
            machines=self._machines,
            port=self._port(seen),
            trouble=self._trouble(seen) or (untold if seen.made and release is None else None),
        )

    def _trouble(self, seen: Found) -> Trouble | None:
        if not seen.short:
            self._told.pop(seen.name, None)
            return None
        if "Launch" in seen.suspended:
            return Trouble(words="its process Launch is suspended", certain=True)
        now = self._clock.monotonic()
        read, trouble = self._told.get(seen.name, (now - BETWEEN_ACTIVITIES, None))
        if now - read >= BETWEEN_ACTIVITIES:
            old = self._old.get(seen.name, frozenset())
            trouble = activities.trouble(self._activities(seen.name), old=old)
            self._told[seen.name] = now, trouble
        return trouble

    def _activities(self, name: str) -> tuple[Activity, ...]:
        answer = self._calls.ask(
            "autoscaling", "describe_scaling_activities", AutoScalingGroupName=name, MaxRecords=ACTIVITIES
        )
        return tuple(map(activities.activity, answer["Activities"]))

    def _learn(self, groups: Iterable[Found]) -> None:
        """Ask EC2 of machines that are not known yet, all of a group at once: by tag, for of an id that it does not
        know yet EC2 makes an error of the whole question.
        """
        new = [group.name for group in groups if any(self._unknown(group))]
        for names in (new[start : start + VALUES] for start in range(0, len(new), VALUES)):
            filters = [
                {"Name": "tag:aws:autoscaling:groupName", "Values": names},
                {"Name": "instance-state-name", "Values": _ALIVE},
            ]
            pages = self._calls.pages(
                "ec2",
                "describe_instances",
                "Reservations",
                Filters=filters,
                PaginationConfig={"PageSize": MACHINES},
            )
            self._machines |= group_reading.machines(pages)

    def _unknown(self, group: Found) -> Iterator[str]:
        for member in group.members:
            leaving = group_reading.state_of(member)[0] is InstanceState.LEAVING
            if member.id not in self._machines and not leaving:
                yield member.id

    def _port(self, seen: Found) -> str:
        """The port of the group's service; of a group that phoenix did not make, as its balancer knows it."""
        if seen.made:
            return seen.tags.get(labels.PORT, "")
        if not seen.target_groups:
            return ""
        arn = seen.target_groups[0]
        if arn not in self._ports:
            self._ports[arn] = self._port_of(arn)
        return self._ports[arn]

    def _port_of(self, arn: str) -> str:
        try:
            answer = self._calls.ask("elbv2", "describe_target_groups", TargetGroupArns=[arn])
        except RefusedCallError as error:
            if error.said == "TargetGroupNotFound":
                return ""
            raise
        return "".join(str(each["Port"]) for each in answer["TargetGroups"][:1] if "Port" in each)
