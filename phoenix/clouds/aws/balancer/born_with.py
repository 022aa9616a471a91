"""What a group was born with, removed when the group is gone: its target group, and the rules by which it was checked.

A group's manager drains machines through the target group, so it outlives the group; whoever ends the last machine
removes it. Where a run died between the two calls that make them, this is who finds what is left.
"""

from __future__ import annotations

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.balancer import elb_tags, rule, target_groups
from phoenix.clouds.aws.balancer.target_groups import TargetGroup
from phoenix.clouds.aws.calls import Calls


def remove(calls: Calls, project: str, group: str) -> None:
    """Remove the target group of that name and its preview rules, where phoenix made them for this group and project.

    CloudError where another rule names the target group: then all of it stays.
    """
    found = target_groups.find(calls, group)
    wanted = {labels.PROJECT: project, labels.GROUP: group}
    if found is None or not elb_tags.bear(found.tags, wanted):
        return
    named = {arn: name for balancer in found.balancers for arn, name in _rules(calls, balancer, found).items()}
    tags = elb_tags.tags_of(calls, named)
    others = sorted(name for arn, name in named.items() if not elb_tags.bear(tags.get(arn, {}), wanted))
    if others:
        raise target_groups.in_use(group, " and ".join(others))
    for arn in named:
        calls.ask("elbv2", "delete_rule", RuleArn=arn)
    target_groups.delete(calls, found)


def _rules(calls: Calls, balancer: str, found: TargetGroup) -> dict[str, str]:
    """The rules that name the target group, by their ARNs, and what people call them."""
    listeners = calls.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer)
    every = [
        (rule.parsed(answer), f"{each['Protocol']}:{each['Port']}")
        for each in listeners
        for answer in calls.pages("elbv2", "describe_rules", "Rules", ListenerArn=each["ListenerArn"])
    ]
    return {each.arn: each.named(listener) for each, listener in every if found.arn in each.target_groups}
