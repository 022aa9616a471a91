"""The balancer of one service in one environment: a rule of an Application Load Balancer's listener.

The rule forwards to the target groups of those groups that have a share, by weights that are whole percents; all else
that it says is left as it was found. It is read afresh before each write, and written in one call; between the two
somebody else's change of the same rule would be lost, for AWS compares no versions: that window is one call wide.
What is attached has a preview rule (`preview.py`), which also says what the rule did before phoenix (`before.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from functools import cached_property

from phoenix.clouds import rules
from phoenix.clouds.api import Between, idle
from phoenix.clouds.aws.balancer import (
    attachments,
    elb_tags,
    entangled,
    listener,
    preview,
    preview_rules,
    target_groups,
    target_health,
    traffic_check,
)
from phoenix.clouds.aws.balancer.listener import Listener, Rules
from phoenix.clouds.aws.balancer.live_rule import LiveRule
from phoenix.clouds.aws.balancer.preview import PreviewRule
from phoenix.clouds.aws.balancer.target_groups import TargetGroup
from phoenix.clouds.aws.balancer.target_health import Target
from phoenix.clouds.aws.calls import Calls
from phoenix.errors import CloudError, RefusedError, StaleRouteError
from phoenix.manner import DrainedBy, Manner, Preview, PreviewBy
from phoenix.model import Backend, Group, Health, Place, Route
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.services import AwsBalancer

MANNER = Manner(
    exact_shares=True,
    drain=DrainedBy.MANAGER,
    preview=PreviewBy.HEADER,
    settles=10.0,
    quick=120.0,
    create=600.0,
    look=5.0,
    damped=True,
)
"""`settles`: a load balancer's nodes follow a change of a rule within seconds (argo-rollouts #4433, #3617). `look`: two
describes per group and look, of which 30 a minute are to be enough. `damped`: a target is unhealthy after two failed
checks at least (API_CreateTargetGroup, UnhealthyThresholdCount).
"""


class AwsTraffic:
    """Implements `clouds.api.Traffic` with a rule of a listener."""

    manner = MANNER

    def __init__(
        self,
        *,
        calls: Calls,
        cloud: AwsCloud,
        project: str,
        place: Place,
        balancer: AwsBalancer,
        port: int,
        health: Health,
        drain: float,
        listeners: MutableMapping[str, Listener] | None = None,
    ) -> None:
        """`listeners`: those that were opened before, by ARN; whose they are never changes."""
        self._calls = calls
        self._cloud = cloud
        self._project = project
        self._place = place
        self._balancer = balancer
        self._port = port
        self._health = health
        self._drain = drain
        self._listeners = listeners if listeners is not None else {}
        self._mark = preview.place_mark(project, place)
        self._names: dict[str, str] = {}
        """The groups behind target groups of others that were looked up since the last decision."""
        self._set: set[str] = set()
        """The target groups that this process has given their attributes."""

    def read(self, of: Collection[str] | None = None) -> Route:
        """The rule's shares, and what DescribeTargetHealth says of each attached target group that is asked for, in
        one call each.
        """
        there = self._look()
        shares, named = there.live.shares, self._named(there)
        share: dict[str, int] = {}
        seen: dict[str, tuple[Target, ...]] = {}
        for arn in there.attached:
            group = named[arn]
            share[group] = share.get(group, 0) + shares.get(arn, 0)
            told = target_groups.targets(self._calls, arn) if of is None or group in of else ()
            seen[group] = (*seen.get(group, ()), *told)
        backends: tuple[Backend, ...] = tuple(
            target_health.backend(group, share[group], targets) for group, targets in sorted(seen.items())
        )
        return Route(
            address=self._address, backends=backends, version=there.live.version, elsewhere=there.live.elsewhere
        )

    def prepare(self, group: Group, *, between: Between = idle) -> tuple[str, ...]:
        """Make the group's target group and its preview rule, so that machines are checked from their first moment;
        the target group's ARN. What detached groups left behind is removed first.
        """
        there = self._rules()
        self._sweep(there, between)
        found = target_groups.own(self._calls, group.name, self._labels(group.name))
        between()
        arn = found.arn if found else self._make(group.name)
        serving = max(there.live.weights.items(), key=lambda each: each[1], default=(None, 0))[0]
        if arn not in self._set:
            between()
            target_groups.set_attributes(self._calls, arn, like=serving, drain=self._drain)
            self._set.add(arn)
        self._ensure_preview(arn, group.name, there, between=between)
        return (arn,)

    def attach(self, group: Group, *, between: Between = idle) -> None:
        """See that the group fills its target group, and that this has a rule by which it is checked."""
        if group.made:
            self._ensure_ours(group, between)
            return
        arn = self._foreign(group.name)
        if arn not in self._rules().live.weights:  # else it is checked as it is
            self._ensure_preview(arn, group.name, between=between)

    def retire(self, group: Group, instances: frozenset[str]) -> bool:  # noqa: ARG002 (others take them out here)
        """Nothing: the Auto Scaling group takes machines out and drains them when it ends them."""
        return False

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        """Give each group its share by one write to the rule, or let the rule say again what it did before phoenix.

        RefusedError where it would take traffic from a target group that another rule uses, too.
        """
        wanted = rules.routed(shares)
        between()  # before the look on which the write rests, for it may take a while
        there = self._rules()
        named = self._named(there)
        self._refuse_unattached(frozenset(wanted) - frozenset(named.values()))
        self._refuse_stale(there, seen)
        live = self._live(between)
        if not wanted:
            live.put_back(there)
            return
        weights = {arn: wanted[named[arn]] for arn in there.attached if named[arn] in wanted}
        if there.live.shares == weights:
            return
        self._refuse_entangled(there, live.foreign(there), weights)
        unshown = sorted(set(there.live.weights) - {each.target_group for each in there.previews})
        wrote = live.remember(there) or bool(unshown)
        for arn in unshown:
            self._ensure_preview(arn, named[arn], between=between)  # else nobody would check it once it has no share
        if wrote:  # that took a while, too
            between()
            self._refuse_stale(self._rules(), seen)
        live.forward(there, weights)

    def preview(self, group: str) -> Preview | None:
        """Where the group alone answers, and the header that leads there; None where it is not attached."""
        there = self._rules()
        named = self._named(there)
        for shown in there.previews:
            if not shown.leaving and named[shown.target_group] == group:
                headers = ((preview.HEADER, shown.header), *self._host(there))
                return Preview(url=self._address, headers=headers)
        return None

    def check(self, *, back: bool = False) -> None:
        """RefusedError where there is no such rule; on the way forward also where what serves is not one rule's to
        decide, or the load balancer has no room or does not reach the cloud's subnets. Changes nothing.
        """
        there = self._rules()
        if not back:
            traffic_check.refuse_elsewhere(self._calls, self._listener, self._cloud)
            traffic_check.refuse_unfit(self._calls, self._listener, there)

    def detach(self, group: str, *, between: Between = idle) -> None:
        """Remove the group's preview rule and its target group, where phoenix made them.

        While the Auto Scaling group stands, its manager needs both to drain machines that it ends: the rule is closed,
        so that nobody is let in, and the two go with the group, or by the next `prepare`.
        """
        between()  # before the look on which a write of the rule rests
        there = self._rules()
        named = {**self._named(there), **{each.target_group: each.group for each in there.previews if each.leaving}}
        arns = frozenset(arn for arn, name in named.items() if name == group)
        shares = there.live.shares
        share = sum(shares.get(arn, 0) for arn in arns)
        if share:
            raise CloudError(
                f"{group} gets {share} % of the traffic and stays attached",
                details=f"{self._called(there)} says so",
                resolution="Give its share to another group first.",
            )
        self._take_out(there, arns, between)
        ours = self._own_target_group(group)
        standing = ours is not None and group in attachments.of_group(self._calls, group).of
        for shown in (each for each in there.previews if each.target_group in arns):
            if preview_rules.own(self._calls, shown, self._labels(group)):
                between()
                self._close(there, shown, group, drains=ours.arn if ours and standing else None)
        if ours is not None and not standing:
            between()
            target_groups.delete(self._calls, ours)
        self._tidy(there, named, between)

    @cached_property
    def _listener(self) -> Listener:
        arn = self._balancer.listener
        if arn not in self._listeners:
            self._listeners[arn] = listener.opened(self._calls, arn)
        return self._listeners[arn]

    @property
    def _address(self) -> str:
        return self._balancer.address or self._listener.address

    def _rules(self) -> Rules:
        """As they are now, and who is behind them: what a verb that writes decides on, with which looks then go on."""
        self._names.clear()
        return self._look()

    def _look(self) -> Rules:
        """The rules as they are now."""
        return listener.rules_of(self._calls, self._listener, self._balancer.rule, self._mark)

    def _live(self, between: Between = idle) -> LiveRule:
        return LiveRule(self._calls, self._listener, self._rules, self._labels(), between)

    def _called(self, there: Rules) -> str:
        return there.live.named(str(self._listener))

    def _named(self, there: Rules) -> dict[str, str]:
        """The group behind each attached target group."""
        told = {each.target_group: each.group for each in there.previews if each.group}
        unknown = [arn for arn in there.attached if arn not in told and arn not in self._names]
        if unknown:
            now = attachments.of_region(self._calls)
            self._names |= {arn: min(now.behind(arn), default=preview.name_of(arn)) for arn in unknown}
        return {arn: told.get(arn) or self._names[arn] for arn in there.attached}

    def _make(self, name: str) -> str:
        return target_groups.make(
            self._calls,
            name,
            port=self._port,
            vpc=self._listener.vpc,
            health=self._health,
            tags={**self._cloud.tags, **self._labels(name)},
        )

    def _ensure_ours(self, group: Group, between: Between) -> None:
        """A target group that is there was given its attributes before its group was made."""
        found = target_groups.own(self._calls, group.name, self._labels(group.name))
        if found is None:
            arn = self.prepare(group, between=between)[0]
        else:
            arn = found.arn
            self._ensure_preview(arn, group.name, between=between)
        between()
        target_groups.ensure_attached(self._calls, group.name, arn)

    def _foreign(self, group: str) -> str:
        """The target group of a group that phoenix did not make. RefusedError where that is not one."""
        there = self._rules()
        known = [arn for arn, name in self._named(there).items() if name == group]
        found = known or sorted(attachments.of_group(self._calls, group).of.get(group, ()))
        if len(found) != 1:
            raise RefusedError(
                f"the Auto Scaling group {group} is in {len(found)} target groups",
                details=", ".join(map(preview.name_of, found)) or "it has none attached",
                resolution="Give it exactly one, then say it again.",
            )
        return found[0]

    def _ensure_preview(self, arn: str, group: str, there: Rules | None = None, *, between: Between) -> None:
        preview_rules.ensure(
            self._calls,
            self._rules,
            there=there,
            listener=self._listener,
            target_group=arn,
            group=group,
            mark=self._mark,
            tags={**self._cloud.tags, **self._labels(group)},
            between=between,
        )

    def _refuse_unattached(self, unknown: frozenset[str]) -> None:
        if unknown:
            raise CloudError(
                f"{', '.join(sorted(unknown))} cannot get traffic",
                details=f"not attached to the listener {self._listener}",
                resolution="See `phoenix status`, then roll again.",
            )

    def _refuse_stale(self, there: Rules, seen: Route) -> None:
        """StaleRouteError where the rule no longer does what it did when `seen` was read."""
        if there.live.version != seen.version:
            raise StaleRouteError(
                "somebody else has moved traffic meanwhile",
                details=f"{self._called(there)} gives {_told(there, self._named(there))}",
                resolution="See `phoenix status`, then say it again.",
            )

    def _refuse_entangled(self, there: Rules, foreign: frozenset[str], weights: Mapping[str, int]) -> None:
        """RefusedError where less is to go to a target group that phoenix did not make, and that others share.

        What gets more is on the way back, which nothing refuses.
        """
        shares = there.live.shares
        fewer = sorted(arn for arn in foreign if weights.get(arn, 0) < shares[arn])
        if not fewer:
            return
        every, now = entangled.every_rule(self._calls, self._listener, there), attachments.of_region(self._calls)
        for arn in fewer:
            entangled.refuse(arn, entangled.by_rules(arn, there, every) or entangled.by_groups(arn, now))

    def _take_out(self, there: Rules, arns: frozenset[str], between: Between) -> None:
        """Take out of the rule what somebody has left in it at weight 0."""
        rest = {arn: weight for arn, weight in there.live.weights.items() if arn not in arns and weight}
        if rest and arns & set(there.live.weights):
            self._live(between).forward(there, rest)

    def _close(self, there: Rules, shown: PreviewRule, group: str, *, drains: str | None) -> None:
        """Remove the rule; where its group still `drains` by that target group, only let nobody in by it any more."""
        if shown.target_group != drains:
            preview_rules.delete(self._calls, shown)
        elif not shown.leaving:
            closed = preview.header(group, shown.target_group, self._mark, leaving=True)
            preview_rules.rename(self._calls, there, shown, closed)

    def _tidy(self, there: Rules, named: Mapping[str, str], between: Between) -> None:
        """Remove the preview rules of others' groups where these alone serve: the service's rule has them checked."""
        shown = [each for each in there.previews if each.target_group in there.live.weights]
        if not shown or not self._live().untouched(there):
            return
        for each in shown:
            if preview_rules.own(self._calls, each, self._labels(named[each.target_group])):
                between()
                preview_rules.delete(self._calls, each)

    def _own_target_group(self, group: str) -> TargetGroup | None:
        """The group's, where phoenix made it."""
        found = target_groups.find(self._calls, group)
        return found if found is not None and elb_tags.bear(found.tags, self._labels(group)) else None

    def _sweep(self, there: Rules, between: Between) -> None:
        """Remove what detached groups left whose managers have ended their machines since."""
        left = [each for each in there.previews if each.leaving]
        standing = attachments.of_group(self._calls, *(each.group for each in left)).of if left else {}
        gone = [each for each in left if each.group not in standing]
        tags = elb_tags.tags_of(self._calls, (each.arn for each in gone))
        for shown in gone:
            if elb_tags.bear(tags.get(shown.arn, {}), self._labels(shown.group)):
                between()
                preview_rules.delete(self._calls, shown)
                ours = self._own_target_group(shown.group)
                if ours is not None:
                    between()
                    target_groups.delete(self._calls, ours)

    def _host(self, there: Rules) -> tuple[tuple[str, str], ...]:
        """The Host header that a preview needs where the service's rule is for hosts that the address is none of."""
        named = () if self._balancer.address else preview.hosts(there.live)
        return (("Host", named[0]),) if named else ()

    def _labels(self, group: str | None = None) -> dict[str, str]:
        """The labels of what phoenix makes for the group; without one, of all it makes for the place."""
        return elb_tags.of_place(self._project, self._place, group)


def _told(there: Rules, named: Mapping[str, str]) -> str:
    shares = {named[arn]: share for arn, share in there.live.shares.items() if share}
    return str(shares) if shares else f"a {there.live.routing.get('Type', 'nothing')}"
