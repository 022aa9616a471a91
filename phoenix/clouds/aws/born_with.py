"""What a group was born with, removed when the group is gone: its target group, and the rules by which it was checked.

A group's manager drains machines through the target group, so it outlives the group; whoever ends the last machine
removes it. Where a run died between the two calls that make them, this is who finds what is left.
"""

from __future__ import annotations

from phoenix.clouds.aws import elb_tags, labels, rule, target_groups
from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.target_groups import TargetGroup


def remove(calls: Calls, project: str, group: str) -> None:
    """Remove the target group of that name and its preview rules, where phoenix made them for this group and project.

    CloudError where another rule still names the target group.
    """
    found = target_groups.find(calls, group)
    wanted = {labels.PROJECT: project, labels.GROUP: group}
    if found is None or not elb_tags.bear(found.tags, wanted):
        return
    arns = [arn for balancer in found.balancers for arn in _rules(calls, balancer, found)]
    tags = elb_tags.tags_of(calls, arns)
    for arn in arns:
        if elb_tags.bear(tags.get(arn, {}), wanted):
            calls.ask("elbv2", "delete_rule", RuleArn=arn)
    target_groups.delete(calls, found)


def _rules(calls: Calls, balancer: str, found: TargetGroup) -> list[str]:
    """The rules, but for default ones, that name the target group."""
    listeners = calls.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer)
    every = [
        rule.parsed(answer)
        for each in listeners
        for answer in calls.pages("elbv2", "describe_rules", "Rules", ListenerArn=each["ListenerArn"])
    ]
    return [each.arn for each in every if each.priority is not None and found.arn in each.target_groups]
