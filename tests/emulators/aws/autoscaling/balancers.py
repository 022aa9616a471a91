"""Target groups and other traffic sources of groups.

moto registers no replacement with them, and shows no state.
"""

from __future__ import annotations

from functools import partial

from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.found import at_most, named, standing
from tests.emulators.aws.autoscaling.groups import check_target_groups
from tests.emulators.aws.autoscaling.model import Attached, Group

MOST = 10
"""In one call. https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html"""


class Balancers:
    """Answers about what sends requests to groups."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto."""
        answers.add(
            "autoscaling",
            AttachLoadBalancerTargetGroups=self._attach_target_groups,
            DetachLoadBalancerTargetGroups=self._detach_target_groups,
            DescribeLoadBalancerTargetGroups=self._describe_target_groups,
            AttachTrafficSources=self._attach_traffic_sources,
            DetachTrafficSources=self._detach_traffic_sources,
            DescribeTrafficSources=self._describe_traffic_sources,
            DescribeLoadBalancers=lambda asked: {"LoadBalancers": []},
        )

    def _attach_target_groups(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachLoadBalancerTargetGroups.html"""
        self._attach(
            standing(self._engine, asked), [Attached(identifier=arn) for arn in asked.get("TargetGroupARNs", [])]
        )
        return {}

    def _attach_traffic_sources(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachTrafficSources.html"""
        sources = [
            Attached(identifier=one["Identifier"], type=one.get("Type") or "elbv2", by_source=True)
            for one in asked.get("TrafficSources", [])
        ]
        self._attach(standing(self._engine, asked), sources)
        return {}

    def _attach(self, group: Group, sources: list[Attached]) -> None:
        """The instances in service are registered at once, where AddToLoadBalancer is not suspended."""
        at_most(MOST, [one.identifier for one in sources])
        check_target_groups([one.identifier for one in sources if one.type == "elbv2"])
        for source in sources:
            if any(one.identifier == source.identifier and not one.removing for one in group.attached):
                continue
            group.attached.append(source)
            for member in group.members.values() if group.does("AddToLoadBalancer") else ():
                if member.state == "InService" and source.type == "elbv2":
                    self._engine.targets.register(source.identifier, member.id)

    def _detach_target_groups(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachLoadBalancerTargetGroups.html

        "When you detach a target group, it enters the Removing state while deregistering the instances in the group."
        """
        group = standing(self._engine, asked)
        self._detach(group, asked.get("TargetGroupARNs", []))
        return {}

    def _detach_traffic_sources(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachTrafficSources.html"""
        group = standing(self._engine, asked)
        self._detach(group, [one["Identifier"] for one in asked.get("TrafficSources", [])])
        return {}

    def _detach(self, group: Group, identifiers: list[str]) -> None:
        at_most(MOST, identifiers)
        targets = self._engine.targets
        for source in list(group.attached):
            if source.identifier not in identifiers or source.removing:
                continue
            source.removing = True
            registered = [id for id in group.members if targets.registered(source.identifier, id)]
            for id in registered:
                targets.deregister(source.identifier, id)
            draining = bool(registered) and targets.used(source.identifier)
            drain = targets.drain(source.identifier) if draining else 0.0
            self._engine.emulated.clock.later(drain, partial(_removed, group, source))
        self._engine.emulated.clock.settle()

    def _describe_target_groups(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeLoadBalancerTargetGroups.html"""
        group = named(self._engine, asked)
        shown = [
            {"LoadBalancerTargetGroupARN": one.identifier, "State": self._state(group, one)}
            for one in group.attached
            if one.type == "elbv2" and not one.by_source
        ]
        return paged(asked, "LoadBalancerTargetGroups", shown, usual=100)

    def _describe_traffic_sources(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeTrafficSources.html"""
        group, kind = named(self._engine, asked), asked.get("TrafficSourceType")
        shown = [
            {
                "Identifier": one.identifier,
                "TrafficSource": one.identifier,
                "Type": one.type,
                "State": self._state(group, one),
            }
            for one in group.attached
            if kind in (None, one.type)
        ]
        return paged(asked, "TrafficSources", shown, most=50)

    def _state(self, group: Group, source: Attached) -> str:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LoadBalancerTargetGroupState.html

        "InService - At least one Auto Scaling instance passed its health checks."
        """
        if source.removing:
            return "Removing"
        serving = [member for member in group.members.values() if member.state == "InService"]
        targets = self._engine.targets
        if source.type == "elbv2" and any(
            targets.health_of(source.identifier, member.id).state == "healthy" for member in serving
        ):
            return "InService"
        registered = all(targets.registered(source.identifier, member.id) for member in serving)
        return "Added" if registered else "Adding"


def _removed(group: Group, source: Attached) -> None:
    if source in group.attached:
        group.attached.remove(source)
