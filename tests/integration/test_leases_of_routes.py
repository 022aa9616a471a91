"""Before each write to a balancer it is asked whether the run is still this process's, and no lease ends meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from phoenix.clouds.api import Between, Traffic
from phoenix.errors import LostRunError
from tests.emulators.aws import Emulator as Aws
from tests.emulators.gcp import Emulator as Gcp
from tests.support.fakes import aws_rule, gcp_route
from tests.support.fakes.aws_rule import Rules
from tests.support.fakes.gcp_route import Routes

pytestmark = pytest.mark.timeout(120)

LOOKS = 6
"""So many calls that change nothing may stand between two questions."""
OLD, NEW = aws_rule.OLD, aws_rule.NEW
LOOKING = ("Describe", *gcp_route.READS)


def heard(asked: Callable[[], list[str]], said: Callable[[Between], object]) -> list[str]:
    """What the cloud is asked, in order, and `between` wherever that is called."""
    told: list[str] = []
    asked()
    said(lambda: told.extend([*asked(), "between"]))
    return [*told, *asked()]


def unkept(told: Iterable[str]) -> list[str]:
    """The writes without a question since the write before, and what stands at the end of too many looks."""
    found: list[str] = []
    fresh, looks = False, 0
    for each in told:
        looking = each.startswith(LOOKING[0]) or each.endswith(LOOKING[1:])
        if each == "between":
            fresh, looks = True, 0
        elif looking:
            looks += 1
        else:
            found += [] if fresh else [each]
            fresh = False
        found += [each] if looks > LOOKS else []
    return found


def lost() -> None:
    raise LostRunError("another process has it")


def refuses(traffic: Traffic) -> None:
    """Where the run is lost nothing is written."""
    seen = traffic.read()
    verbs: tuple[Callable[[], object], ...] = (
        lambda: traffic.prepare(aws_rule.as_wanted(NEW), between=lost),
        lambda: traffic.shift({}, seen, between=lost),
    )
    for said in verbs:
        with pytest.raises(LostRunError):
            said()


@pytest.fixture
def rules(emulator: Aws) -> Rules:
    made = Rules(emulator)
    aws_rule.attached(made, made.traffic(), OLD)
    aws_rule.shift(made.traffic(), old=100)
    return made


@pytest.fixture
def routes(gcp: Gcp) -> Routes:
    made = Routes(gcp)
    gcp_route.attached(made, made.traffic(), OLD)
    gcp_route.shift(made.traffic(), old=100)
    return made


def test_a_rule_of_aws(rules: Rules) -> None:
    traffic = rules.traffic()
    prepared = heard(rules.asked, lambda between: traffic.prepare(aws_rule.as_wanted(NEW), between=between))
    assert {"CreateTargetGroup", "ModifyTargetGroupAttributes", "CreateRule"} < set(prepared)
    group = rules.group(rules.traffic(), NEW)
    attached = heard(rules.asked, lambda between: rules.traffic().attach(group, between=between))
    seen = traffic.read()
    shifted = heard(rules.asked, lambda between: traffic.shift({NEW: 100}, seen, between=between))
    assert "ModifyListener" in shifted
    seen = traffic.read()
    back = heard(rules.asked, lambda between: traffic.shift({}, seen, between=between))
    assert "ModifyListener" in back
    rules.burn(OLD)
    gone = heard(rules.asked, lambda between: traffic.detach(OLD, between=between))
    assert {"DeleteRule", "DeleteTargetGroup"} < set(gone)
    assert [unkept(each) for each in (prepared, attached, shifted, back, gone)] == [[]] * 5


def test_a_rule_of_aws_where_the_run_is_lost(rules: Rules) -> None:
    traffic = rules.traffic()
    rules.asked()
    refuses(traffic)
    assert rules.written() == []


def test_a_route_of_google(routes: Routes) -> None:
    traffic = routes.traffic()
    prepared = heard(routes.asked, lambda between: traffic.prepare(gcp_route.as_wanted(NEW), between=between))
    assert {"healthChecks.insert", "backendServices.insert", "urlMaps.update"} < set(prepared)
    group = routes.group(routes.traffic(), NEW)
    attached = heard(routes.asked, lambda between: routes.traffic().attach(group, between=between))
    assert "backendServices.update" in attached
    seen = traffic.read()
    shifted = heard(routes.asked, lambda between: traffic.shift({NEW: 100}, seen, between=between))
    assert "urlMaps.update" in shifted
    seen = traffic.read()
    back = heard(routes.asked, lambda between: traffic.shift({}, seen, between=between))
    gone = heard(routes.asked, lambda between: traffic.detach(OLD, between=between))
    assert [unkept(each) for each in (prepared, attached, shifted, back, gone)] == [[]] * 5


def test_a_backend_service_of_google(gcp: Gcp) -> None:
    routes = Routes(gcp)
    routes.backend_service(gcp_route.SHARED)
    traffic = routes.shared()
    gcp_route.attached(routes, traffic, OLD)
    group = routes.group(traffic, NEW)
    attached = heard(routes.asked, lambda between: traffic.attach(group, between=between))
    seen = traffic.read()
    shifted = heard(routes.asked, lambda between: traffic.shift({NEW: 100}, seen, between=between))
    gone = heard(routes.asked, lambda between: traffic.detach(OLD, between=between))
    assert all("backendServices.update" in each for each in (attached, shifted, gone))
    assert [unkept(each) for each in (attached, shifted, gone)] == [[]] * 3


def test_a_route_of_google_where_the_run_is_lost(routes: Routes) -> None:
    traffic = routes.traffic()
    routes.asked()
    refuses(traffic)
    assert routes.written() == []
