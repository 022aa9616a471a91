"""What groups get of which nobody says any more by which rule they serve: told by their target groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from phoenix.clouds.aws.balancer import attachments, preview, rule, target_groups, target_health
from phoenix.clouds.aws.balancer.rule import Rule
from phoenix.clouds.aws.calls import Calls
from phoenix.model import Backend


def backends(calls: Calls, groups: Iterable[str]) -> tuple[Backend, ...]:
    """Those of the groups that stand, with the largest share that a rule gives each, previews left out. By name."""
    names = sorted(groups)
    of = attachments.of_group(calls, *names).of if names else {}
    every = _rules(calls, frozenset().union(*of.values()))
    return tuple(_backend(calls, name, of[name], every) for name in sorted(of))


def _backend(calls: Calls, group: str, arns: frozenset[str], every: Mapping[str, Rule]) -> Backend:
    live = [each for each in every.values() if not preview.is_one(each)]
    share = max((each.shares.get(arn, 0) for each in live for arn in arns), default=0)
    targets = [target for arn in sorted(arns) for target in target_groups.targets(calls, arn)]
    return target_health.backend(group, share, targets)


def _rules(calls: Calls, arns: frozenset[str]) -> dict[str, Rule]:
    """Every rule of the load balancers that use these target groups, by ARN."""
    found: dict[str, Rule] = {}
    for balancer in sorted(target_groups.balancers(calls, arns)):
        for each in calls.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer):
            answers = calls.pages("elbv2", "describe_rules", "Rules", ListenerArn=each["ListenerArn"])
            found |= {parsed.arn: parsed for parsed in map(rule.parsed, answers)}
    return found
