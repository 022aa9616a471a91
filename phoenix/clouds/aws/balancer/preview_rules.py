"""Preview rules made, closed and removed. What they are: `preview.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from phoenix.clouds.api import Between
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.balancer import elb_tags, preview
from phoenix.clouds.aws.balancer.listener import Listener, Rules
from phoenix.clouds.aws.balancer.preview import PreviewRule
from phoenix.clouds.aws.calls import Calls, RefusedCallError
from phoenix.errors import CloudError, RefusedError

_NO_ROOM = {
    "TooManyRules": "rules",
    "TooManyUniqueTargetGroupsPerLoadBalancer": "target groups",
}
_ATTEMPTS = 4
"""Others who make rules of the same listener may be faster; each takes a priority that was free a moment ago."""


def ensure(
    calls: Calls,
    look: Callable[[], Rules],
    *,
    there: Rules | None = None,
    listener: Listener,
    target_group: str,
    group: str,
    mark: str,
    tags: Mapping[str, str],
    between: Between,
) -> None:
    """See that the group has its preview rule, open. `look` reads the listener's rules afresh; `there` are those that
    were read a moment ago: AWS refuses a priority that was taken since.

    RefusedError where the listener has no room for it.
    """
    for attempt in range(_ATTEMPTS):
        rules = there if there is not None and attempt == 0 else look()
        shown = rules.preview(target_group)
        if shown is not None and not shown.leaving:
            return
        between()
        if shown is not None:
            rename(calls, rules, shown, preview.header(group, target_group, mark))
            return
        taken = (rule.priority for rule in rules.every if rule.priority is not None)
        priority = preview.free_priority(rules.live, taken, str(listener))
        value = preview.header(group, target_group, mark)
        if _made(calls, rules, listener, target_group, priority=priority, value=value, tags=tags):
            return
    raise CloudError(
        f"{group} got no rule of its own at the listener {listener}",
        details=f"each of {_ATTEMPTS} priorities was taken by somebody else meanwhile",
        resolution="Say it again.",
    )


def rename(calls: Calls, rules: Rules, there: PreviewRule, value: str) -> None:
    """Give the rule another header; who knows the former one is no longer let in."""
    calls.ask("elbv2", "modify_rule", RuleArn=there.arn, Conditions=preview.conditions(rules.live, value))


def own(calls: Calls, there: PreviewRule, wanted: Mapping[str, str]) -> bool:
    """Whether the rule is there and bears these labels; RefusedError where it bears others."""
    try:
        tags = elb_tags.tags_of(calls, [there.arn]).get(there.arn, {})
    except RefusedCallError as error:
        if error.said == "RuleNotFound":
            return False
        raise
    if elb_tags.bear(tags, wanted):
        return True
    raise RefusedError(
        f"phoenix did not make the rule for the header {preview.HEADER} of {there.group or there.target_group}",
        details=f"{there.arn} has the labels of {tags.get(labels.PROJECT) or 'nobody'}",
        resolution="Remove it by hand, where nobody needs it; phoenix leaves it as it is.",
    )


def delete(calls: Calls, there: PreviewRule) -> None:
    """Remove a rule that `own` has just found; one that is gone is removed."""
    try:
        calls.ask("elbv2", "delete_rule", RuleArn=there.arn)
    except RefusedCallError as error:
        if error.said != "RuleNotFound":
            raise


def _made(
    calls: Calls,
    rules: Rules,
    listener: Listener,
    target_group: str,
    *,
    priority: int,
    value: str,
    tags: Mapping[str, str],
) -> bool:
    """Whether the rule was made; not where somebody else has taken the priority."""
    transforms = {"Transforms": list(rules.live.transforms)} if rules.live.transforms else {}
    try:
        calls.ask(
            "elbv2",
            "create_rule",
            ListenerArn=listener.arn,
            Priority=priority,
            Conditions=preview.conditions(rules.live, value),
            Actions=[{"Type": "forward", "TargetGroupArn": target_group}],
            Tags=labels.written(tags),
            **transforms,
        )
    except RefusedCallError as error:
        if error.said == "PriorityInUse":
            return False
        if error.said not in _NO_ROOM:
            raise
        raise RefusedError(
            f"the load balancer {listener.name} has as many {_NO_ROOM[error.said]} as it may",
            details=error.details,
            resolution="Remove what nobody needs, or ask AWS for a higher quota; each group needs one of its own.",
        ) from error
    return True
