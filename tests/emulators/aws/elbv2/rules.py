"""Listeners, rules and target groups: moto's records, with the limits and the exactness of the service.

Mended: rules are listed in the order of their priorities; their number is limited; an action forwards to five target
groups at most; a target group serves one balancer only, and is made once; a secret is never shown, and may be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeTargetGroup

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Answers, Asked, ByMoto, Shape, paged
from tests.emulators.aws.elbv2 import using
from tests.emulators.aws.emulated import Emulated
from tests.emulators.aws.faults import RefusedError

GROUPS_OF_AN_ACTION = 5
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"""
GROUPS_OF_A_BALANCER = 100
MOST_WEIGHT = 999
MOST_TAGS = 50
VALUES_OF_A_RULE = 5
DESCRIBED_AT_ONCE = 20
CONFIGS = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig"}
STICKY = range(1, 604_801)
"""Seconds."""
DELAY = "deregistration_delay.timeout_seconds"
SECRET, KEEP_SECRET = "ClientSecret", "UseExistingClientSecret"
PAGE = 400


class Rules:
    """Answers for the listeners, rules and target groups that moto keeps."""

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated

    def add_to(self, answers: Answers) -> None:
        """Answer what moto answers wrongly."""
        answers.add(
            "elbv2",
            CreateTargetGroup=self._create_target_group,
            DeleteTargetGroup=self._delete_target_group,
            DescribeTargetGroups=self._describe_target_groups,
            ModifyTargetGroupAttributes=self._modify_attributes,
            CreateListener=self._create_listener,
            ModifyListener=self._modify_listener,
            CreateRule=self._create_rule,
            ModifyRule=self._modify_rule,
            DeleteRule=self._delete_rule,
            DescribeRules=self._describe_rules,
            SetRulePriorities=self._set_rule_priorities,
            DescribeTags=self._describe_tags,
        )
        # Which balancers use a group is read off their rules; moto only ever adds to a list of its own.
        users = property(lambda group: sorted(using.used().get(group.arn, ())), lambda group, value: None)
        behind.mend(FakeTargetGroup, load_balancer_arns=users)
        behind.mend(ELBv2Backend, add_tags=_add_tags)

    def _create_target_group(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html

        "If you attempt to create multiple target groups with the same settings, each call succeeds."
        """
        backend = behind.elb(asked.region)
        for group in backend.target_groups.values():
            if group.name == asked.get("Name"):
                if group.given == settings(asked):
                    return {"TargetGroups": [group]}
                raise RefusedError(
                    "DuplicateTargetGroupName",
                    f"A target group with the same name '{group.name}' exists, but with different settings",
                )
        if len(backend.target_groups) >= self._emulated.settings.target_groups:
            raise RefusedError("TooManyTargetGroups", "The maximum number of target groups has been reached")
        answer = asked.moto()
        for group in backend.target_groups.values():
            if group.name == asked.get("Name"):
                group.given = settings(asked)
        return answer

    def _delete_target_group(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html

        ResourceInUse (moto sees it) is its only error: one that is not there is deleted.
        """
        if using.target_group(str(asked.get("TargetGroupArn"))) is None:
            return {}
        return asked.moto()

    def _describe_target_groups(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html"""
        found = list(
            behind.elb(asked.region).describe_target_groups(
                asked.get("LoadBalancerArn"), asked.get("TargetGroupArns", []), asked.get("Names", [])
            )
        )
        return paged(asked, "TargetGroups", found, limit="PageSize", usual=PAGE, most=PAGE)

    def _modify_listener(self, asked: Asked) -> ByMoto:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html"""
        backend, actions = behind.elb(asked.region), asked.get("DefaultActions", [])
        listener = backend.describe_listeners(None, [asked.get("ListenerArn")])[0]
        self._check_actions(backend, listener.load_balancer_arn, actions, listener.default_actions)
        return asked.moto()

    def _create_listener(self, asked: Asked) -> ByMoto:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html"""
        backend, arn = behind.elb(asked.region), asked.get("LoadBalancerArn")
        balancer = backend.load_balancers.get(arn)
        if balancer and any(str(one.port) == str(asked.get("Port")) for one in balancer.listeners.values()):
            raise RefusedError("DuplicateListener", "A listener already exists on this port for this load balancer")
        self._check_actions(backend, arn, asked.get("DefaultActions", []), ())
        return asked.moto()

    def _modify_attributes(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html

        A delay of 3600 seconds is allowed; moto ends before it.
        """
        group = using.target_group(str(asked.get("TargetGroupArn")))
        longest = {"Key": DELAY, "Value": "3600"}
        if group is not None and longest in asked.get("Attributes", []):
            group.attributes[DELAY] = "3600"
            asked.parameters["Attributes"].remove(longest)
        return asked.moto()

    def _create_rule(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html"""
        backend = behind.elb(asked.region)
        listener = backend.describe_listeners(None, [asked.get("ListenerArn")])[0]
        balancer = backend.load_balancers[listener.load_balancer_arn]
        made = sum(not rule.is_default for rule in using.rules(balancer))
        if any(str(rule.priority) == str(asked.get("Priority")) for rule in listener.rules.values()):
            raise RefusedError("PriorityInUse", f"Priority '{asked.get('Priority')}' is currently in use")
        if made >= self._emulated.settings.rules:
            raise RefusedError("TooManyRules", f"The maximum number of rules on load balancer '{balancer.arn}' is made")
        self._check_actions(backend, balancer.arn, asked.get("Actions", []), ())
        _check_conditions(asked.get("Conditions", []))
        answer = asked.moto()
        if not answer.done:
            return answer
        made_now = [rule for rule in listener.rules.values() if str(rule.priority) == str(asked.get("Priority"))]
        return _shown(made_now[0])

    def _modify_rule(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html"""
        backend = behind.elb(asked.region)
        rule = _rule(backend, asked.get("RuleArn"))
        if rule.is_default:
            raise RefusedError("OperationNotPermitted", f"Default rule '{rule.arn}' cannot be modified")
        listener = backend.describe_listeners(None, [rule.listener_arn])[0]
        self._check_actions(backend, listener.load_balancer_arn, asked.get("Actions", []), rule.actions)
        _check_conditions(asked.get("Conditions", []))
        answer = asked.moto()
        return _shown(rule) if answer.done else answer

    def _delete_rule(self, asked: Asked) -> ByMoto:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteRule.html"""
        rule = _rule(behind.elb(asked.region), asked.get("RuleArn"))
        if rule.is_default:
            raise RefusedError("OperationNotPermitted", f"Default rule '{rule.arn}' cannot be deleted")
        return asked.moto()

    def _describe_rules(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html

        "Rules are evaluated in priority order", and are listed so; the default one is the last.
        """
        found = behind.elb(asked.region).describe_rules(asked.get("ListenerArn"), asked.get("RuleArns") or None)
        ordered = sorted(found, key=lambda rule: (rule.is_default, 0 if rule.is_default else int(rule.priority)))
        return paged(asked, "Rules", ordered, limit="PageSize", usual=PAGE, most=PAGE)

    def _set_rule_priorities(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html

        All at once: two rules may change places, which moto refuses.
        """
        backend = behind.elb(asked.region)
        wanted = {entry["RuleArn"]: int(entry["Priority"]) for entry in asked.get("RulePriorities", [])}
        rules = backend.describe_rules(None, list(wanted))
        for rule in rules:
            for other in backend.describe_listeners(None, [rule.listener_arn])[0].rules.values():
                if other.arn not in wanted and str(other.priority) == str(wanted[rule.arn]):
                    raise RefusedError("PriorityInUse", f"Priority '{other.priority}' is currently in use")
        for rule in rules:
            rule.priority = wanted[rule.arn]
        return {"Rules": rules}

    def _describe_tags(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html

        "You can specify up to 20 resources in a single call"; one that is not there is an error.
        """
        backend, arns = behind.elb(asked.region), asked.get("ResourceArns", [])
        if len(arns) > DESCRIBED_AT_ONCE:
            raise RefusedError("ValidationError", f"You can specify up to {DESCRIBED_AT_ONCE} resources in a call")
        for arn in arns:
            if ":listener-rule/" in arn:
                _rule(backend, arn)
            else:
                backend._get_resource_by_arn(arn)
        return asked.moto()

    def _check_actions(
        self, backend: Any, balancer: str, actions: Iterable[dict[str, Any]], before: Iterable[Any]
    ) -> None:
        forwarded = set()
        for action in actions:
            forwarded |= _checked_forward(action)
            _without_secret(action, before)
            _show_both_forms(action)
        for arn in forwarded:
            if arn not in backend.target_groups:
                raise RefusedError("TargetGroupNotFound", f"Target groups '{arn}' not found")
            if using.used().get(arn, {balancer}) != {balancer}:
                # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
                raise RefusedError(
                    "TargetGroupAssociationLimit",
                    f"The following target groups cannot be associated with more than one load balancer: {arn}",
                )
        of_balancer = {arn for arn, users in using.used().items() if balancer in users}
        if len(of_balancer | forwarded) > GROUPS_OF_A_BALANCER:
            raise RefusedError(
                "TooManyUniqueTargetGroupsPerLoadBalancer",
                "The maximum number of unique target groups per load balancer has been reached",
            )


def settings(asked: Asked) -> Shape:
    """What a target group was made with, but for its tags."""
    return {name: value for name, value in asked.parameters.items() if name != "Tags"}


def _check_conditions(conditions: Iterable[Mapping[str, Any]]) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html

    The words are those of https://github.com/aws-controllers-k8s/community/issues/2759.
    """
    count = 0
    for condition in conditions:
        field, config = condition.get("Field"), CONFIGS.get(str(condition.get("Field")))
        if config and condition.get("Values") and condition.get(config):
            raise RefusedError(
                "ValidationError",
                f"You cannot provide both Values and '{config}' for a condition of type '{field}'",
            )
        configs = [value for key, value in condition.items() if key.endswith("Config")]
        count += len(condition.get("Values") or [value for one in configs for value in one.get("Values", [])])
    if count > VALUES_OF_A_RULE:
        raise RefusedError("ValidationError", f"A rule can only have '{VALUES_OF_A_RULE}' condition values")


def _shown(rule: Any) -> Shape:
    """Hosts and paths are shown in both forms, of which a call may give only one."""
    for condition in rule.conditions:
        config = CONFIGS.get(condition.get("Field"))
        if config:
            values = (condition.get(config) or {}).get("Values") or condition.get("Values") or []
            condition |= {"Values": values, config: {"Values": values}}
    return {"Rules": [rule]}


def _add_tags(backend: Any, resource_arns: Iterable[str], tags: list[dict[str, str]]) -> None:
    """moto's limit is ten. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-tags.html"""
    for arn in resource_arns:
        backend._get_resource_by_arn(arn)
        known = backend.tagging_service.get_tag_dict_for_resource(arn)
        if len(known.keys() | {tag["Key"] for tag in tags}) > MOST_TAGS:
            raise RefusedError("TooManyTags", f"The maximum number of tags on '{arn}' has been reached")
        backend.tagging_service.tag_resource(arn, tags)


def _rule(backend: Any, arn: str) -> Any:
    return backend.describe_rules(None, [arn])[0]


def _checked_forward(action: Mapping[str, Any]) -> set[str]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ForwardActionConfig.html"""
    if action.get("Type") != "forward":
        return set()
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or []
    if len(groups) > GROUPS_OF_AN_ACTION:
        raise RefusedError(
            "ValidationError", f"An action can forward to no more than '{GROUPS_OF_AN_ACTION}' target groups"
        )
    arns = [entry["TargetGroupArn"] for entry in groups]
    if len(set(arns)) != len(arns):
        raise RefusedError("ValidationError", "A target group may only be specified once in an action")
    if any(not 0 <= int(entry.get("Weight", 1)) <= MOST_WEIGHT for entry in groups):
        raise RefusedError("ValidationError", f"A weight must be between '0-{MOST_WEIGHT}' inclusive")
    sticky = config.get("TargetGroupStickinessConfig") or {}
    if sticky.get("Enabled") and int(sticky.get("DurationSeconds") or 0) not in STICKY:
        raise RefusedError("ValidationError", "DurationSeconds must be between '1-604800' inclusive")
    return set(using.named(action))


def _show_both_forms(action: dict[str, Any]) -> None:
    """An action with one target group is shown by its ARN and as a configuration, however it was written.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html: "You can specify both
    ForwardConfig and TargetGroupArn only if ForwardConfig specifies one target group."
    """
    groups = using.named(action)
    if action.get("Type") == "forward" and len(groups) == 1:
        action["TargetGroupArn"] = groups[0]
        config = action.setdefault("ForwardConfig", {})
        config.setdefault("TargetGroups", [{"TargetGroupArn": groups[0], "Weight": 1}])
    elif action.get("TargetGroupArn"):
        raise RefusedError("ValidationError", "You cannot specify both a target group ARN and several target groups")


def _without_secret(action: dict[str, Any], before: Iterable[Any]) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html

    "This parameter is required if you are creating a rule. If you are modifying a rule, you can omit this parameter if
    you set UseExistingClientSecret to true." No answer shows either.
    """
    config = action.get("AuthenticateOidcConfig")
    if config is None:
        return
    kept = config.pop(KEEP_SECRET, False) and any(known.type == "authenticate-oidc" for known in before)
    if not config.pop(SECRET, None) and not kept:
        raise RefusedError("ValidationError", "You must specify a client secret")
