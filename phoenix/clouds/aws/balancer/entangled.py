"""What stands in the way of moving the traffic of a target group by one rule: others that share it.

Who takes a group out of one rule, while another still sends it requests (port 80 beside 443), would end machines that
serve; and a group in two target groups, or two groups in one, is no group whose share a rule decides.
"""

from __future__ import annotations

from collections.abc import Mapping

from phoenix.clouds.aws.balancer import preview, rule
from phoenix.clouds.aws.balancer.attachments import Attachments
from phoenix.clouds.aws.balancer.listener import Listener, Rules
from phoenix.clouds.aws.balancer.rule import Rule
from phoenix.clouds.aws.calls import Calls
from phoenix.errors import RefusedError

ByListener = Mapping[str, tuple[Rule, ...]]
"""Every rule of a load balancer, by its listener's protocol and port."""


def every_rule(calls: Calls, listener: Listener, there: Rules) -> ByListener:
    """Of all listeners of the load balancer, as they are now; `there` are the listener's own, just read."""
    found: dict[str, tuple[Rule, ...]] = {}
    for each in calls.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=listener.balancer):
        arn, name = each["ListenerArn"], f"{each['Protocol']}:{each['Port']}"
        if arn == listener.arn:
            found[name] = there.every
        else:
            found[name] = tuple(map(rule.parsed, calls.pages("elbv2", "describe_rules", "Rules", ListenerArn=arn)))
    return found


def by_rules(target_group: str, rules: Rules, every: ByListener) -> str:
    """Which rules use the target group besides the live one and previews; empty where none does.

    Also those of another place, as where a service was renamed: no client's request comes by a preview.
    """
    ours = {rules.live.arn, *(each.arn for each in rules.previews)}
    others = [
        each.named(listener)
        for listener, several in every.items()
        for each in several
        if each.arn not in ours and not preview.is_one(each) and target_group in each.target_groups
    ]
    return f"{' and '.join(others)} also forwards to it" if others else ""


def by_groups(target_group: str, attachments: Attachments) -> str:
    """Why the target group is not one Auto Scaling group's alone; empty where it is."""
    behind = attachments.behind(target_group)
    if not behind:
        return "no Auto Scaling group has it attached"
    if len(behind) > 1:
        return f"the Auto Scaling groups {' and '.join(behind)} share it"
    others = sorted(preview.name_of(arn) for arn in attachments.of[behind[0]] - {target_group})
    return f"its Auto Scaling group {behind[0]} is in {' and '.join(others)} as well" if others else ""


def refuse(target_group: str, why: str) -> None:
    """RefusedError where there is a reason."""
    if why:
        raise RefusedError(
            f"the target group {preview.name_of(target_group)} is not for one rule to decide",
            details=f"{why}; moving its traffic by the rule of phoenix.yaml alone would leave the rest behind",
            resolution="Give the service one rule, one target group and one Auto Scaling group (a listener on port 80 "
            "can redirect to the one on 443), then say it again.",
        )
