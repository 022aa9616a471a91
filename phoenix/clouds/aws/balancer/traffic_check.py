"""Whether a listener's rule is one that phoenix can move traffic by, asked before a roll begins. Changes nothing."""

from __future__ import annotations

from phoenix.clouds.aws.balancer import attachments, entangled, preview, rule
from phoenix.clouds.aws.balancer.entangled import ByListener
from phoenix.clouds.aws.balancer.listener import Listener, Rules
from phoenix.clouds.aws.calls import Calls
from phoenix.errors import RefusedError
from phoenix.spec.clouds import AwsCloud

_RULES = "rules-per-application-load-balancer"
_GROUPS = "target-groups-per-application-load-balancer"


def refuse_unfit(calls: Calls, at: Listener, there: Rules) -> None:
    """RefusedError where what serves is not one rule's to decide, or the load balancer has no room for a candidate."""
    every = entangled.every_rule(calls, at, there)
    for arn in sorted(there.live.weights):
        entangled.refuse(arn, entangled.by_rules(arn, there, every))
    unknown = [arn for arn in sorted(there.live.weights) if there.preview(arn) is None]
    if unknown:
        now = attachments.of_region(calls)
        for arn in unknown:
            entangled.refuse(arn, entangled.by_groups(arn, now))
    _refuse_full_rule(at, there)
    needed = len(unknown) + 1
    taken = {each.priority for each in there.every if each.priority is not None}
    for _each in range(needed):
        taken.add(preview.free_priority(there.live, taken, str(at)))
    _refuse_quota(calls, at, every, needed)


def refuse_elsewhere(calls: Calls, at: Listener, cloud: AwsCloud) -> None:
    """RefusedError where machines start in another VPC than the load balancer's: it would never reach them."""
    wanted = [{"Name": "subnet-id", "Values": list(cloud.subnets)}]
    there = calls.lately("ec2", "describe_subnets", Filters=wanted)["Subnets"]
    away = sorted(f"{each['SubnetId']} is in {each['VpcId']}" for each in there if each["VpcId"] != at.vpc)
    if away:
        raise RefusedError(
            f"the load balancer {at.name} does not reach clouds.{cloud.name}.subnets",
            details=f"it is in {at.vpc}; {', '.join(away)}",
            resolution="Name subnets of the load balancer's VPC, or a listener of another load balancer.",
        )


def _refuse_full_rule(at: Listener, there: Rules) -> None:
    serving = [arn for arn, weight in there.live.weights.items() if weight]
    if len(serving) >= rule.MOST_TARGET_GROUPS:
        raise RefusedError(
            f"{there.live.named(str(at))} has no room for another group",
            details=f"it forwards to {len(serving)} target groups; {rule.MOST_TARGET_GROUPS} is a limit of AWS",
            resolution="Take one of them out of the rule.",
        )


def _refuse_quota(calls: Calls, at: Listener, every: ByListener, needed: int) -> None:
    """Default rules do not count."""
    told = calls.lately("elbv2", "describe_account_limits")["Limits"]
    limits = {each["Name"]: int(each["Max"]) for each in told}
    all_rules = [each for several in every.values() for each in several]
    used = {
        _RULES: (sum(1 for each in all_rules if each.priority is not None), needed),
        _GROUPS: (len({arn for each in all_rules for arn in each.target_groups}), 1),
    }
    for name, (there, more) in used.items():
        if name in limits and there + more > limits[name]:
            raise RefusedError(
                f"the load balancer {at.name} has no room for {more} more of {name}",
                details=f"it has {there} of {limits[name]}",
                resolution="Remove what nobody needs, or ask AWS for a higher quota.",
            )
