"""The rule that serves a place, written: shares given, and given back to what the rule did before phoenix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from phoenix.clouds.api import Between
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.balancer import before, elb_tags, rule, target_groups
from phoenix.clouds.aws.balancer.listener import Listener, Rules
from phoenix.clouds.aws.balancer.rule import Rule
from phoenix.clouds.aws.calls import Answer, Calls
from phoenix.errors import CloudError, RefusedError, UnreachableError


class LiveRule:
    """The writing side of one rule, for one shift."""

    def __init__(
        self, calls: Calls, at: Listener, look: Callable[[], Rules], ours: Mapping[str, str], between: Between
    ) -> None:
        self._calls = calls
        self._listener = at
        self._look = look
        self._ours = ours
        """The labels of the place."""
        self._between = between
        """Called before a tag is written; before a rule is, by who looks at it for that: it may take a while."""
        self._tags = cache(self._read_tags)

    def foreign(self, there: Rules) -> frozenset[str]:
        """The target groups of the rule that phoenix did not make for this place."""
        live = frozenset(there.live.weights)
        tags = self._tags(live)
        return frozenset(arn for arn in live if not elb_tags.bear(tags.get(arn, {}), self._ours))

    def untouched(self, there: Rules) -> bool:
        """Whether nothing of what the rule does is phoenix's."""
        live = frozenset(there.live.weights)
        nobody = rule.same(there.live.routing, rule.NOBODY)
        return not nobody and self.foreign(there) == live

    def remember(self, there: Rules) -> bool:
        """See that each preview rule says what the rule did before phoenix: what it does now, where nothing of that
        is phoenix's, else what the others say. Whether there was anything to write.
        """
        tags = self._tags(frozenset(each.arn for each in there.previews))
        former = there.live.routing if self.untouched(there) else self._before(there)
        wanted = before.kept(former) if former is not None else {}
        lacking = sorted(arn for arn, told in tags.items() if not elb_tags.bear(told, wanted))
        if lacking:  # with the labels again: who may tag is often told by them
            written = labels.written({**wanted, **self._ours})
            self._between()
            self._calls.ask("elbv2", "add_tags", ResourceArns=lacking, Tags=written)
        return bool(lacking)

    def forward(self, there: Rules, weights: Mapping[str, int]) -> None:
        """Let the rule forward to these target groups alone, all else as it is."""
        if len(weights) > rule.MOST_TARGET_GROUPS:
            raise RefusedError(
                f"{len(weights)} groups cannot have traffic at once",
                details=f"a rule forwards to {rule.MOST_TARGET_GROUPS} target groups at most, a limit of AWS",
                resolution="Take the traffic of one of them away first (`phoenix group disable`).",
            )
        self._write(there.live, rule.forwarding(there.live, weights))

    def put_back(self, there: Rules) -> None:
        """Let the rule do what it did before phoenix, where it does something of phoenix's now.

        Where that can no longer be, its target group removed or nothing known of it, it answers with 503.
        """
        if self.untouched(there):
            return
        former = self._before(there)
        needed = frozenset(rule.weights_of(former)) if former else frozenset()
        whole = former is not None and (not needed or target_groups.exist(self._calls, needed))
        actions = rule.replaced(there.live, former if former is not None and whole else rule.NOBODY)
        if not rule.does(there.live, actions):
            self._write(there.live, actions)

    def _write(self, live: Rule, actions: list[dict[str, Any]]) -> None:
        """One call; its answer is the rule as it stands. Where none comes, a look tells whether it was done."""
        try:
            stands = self._sent(live, actions)
        except UnreachableError:
            if not rule.does(self._look().live, actions):
                raise
            return
        if not rule.does(stands, actions):
            raise CloudError(
                f"{live.named(str(self._listener))} did not become what it was told",
                details=f"it does {dict(stands.routing)}",
                resolution="Say it again; `phoenix status` shows what it does now.",
            )

    def _sent(self, live: Rule, actions: list[dict[str, Any]]) -> Rule:
        if live.priority is not None:
            answer = self._calls.ask("elbv2", "modify_rule", RuleArn=live.arn, Actions=actions)
            return rule.parsed(answer["Rules"][0])
        answer = self._calls.ask("elbv2", "modify_listener", ListenerArn=self._listener.arn, DefaultActions=actions)
        default: Answer = {"RuleArn": live.arn, "Actions": answer["Listeners"][0].get("DefaultActions", ())}
        return rule.parsed(default)

    def _before(self, there: Rules) -> Answer | None:
        """What the preview rules say that the rule did before phoenix."""
        tags = self._tags(frozenset(each.arn for each in there.previews))
        told = (before.found(each) for _arn, each in sorted(tags.items()))
        return next((action for action in told if action is not None), None)

    def _read_tags(self, arns: frozenset[str]) -> dict[str, dict[str, str]]:
        return elb_tags.tags_of(self._calls, arns)
