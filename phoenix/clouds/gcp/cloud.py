"""Google Cloud as one thing to ask: its images, its managed instance groups, a load balancer's route for each place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from phoenix.clouds import rules
from phoenix.clouds.api import Need, Say, Template, Traffic
from phoenix.clouds.gcp.bake import template
from phoenix.clouds.gcp.calls import Calls
from phoenix.clouds.left_behind import LeftBehind
from phoenix.clouds.sight import Sight
from phoenix.manner import Abilities, Alarm, BootSeen, Finding
from phoenix.model import Backend, Place
from phoenix.spec.clouds import GcpCloud
from phoenix.spec.project import Project
from phoenix.tools.loopback import is_loopback

if TYPE_CHECKING:  # each room is loaded when it is entered
    from phoenix.clouds.gcp.balancer.frontends import Frontend
    from phoenix.clouds.gcp.groups import GcpGroups
    from phoenix.clouds.gcp.images import GcpImages

ABILITIES = Abilities(
    builders=("packer",),
    proofs=(),
    boot=BootSeen.CONSOLE,
    heals=True,
    autoscaler=True,
    zones=True,
    here_only=False,
)


class GcpCloudDoor:
    """Implements `clouds.api.Cloud` in one region of a project."""

    def __init__(self, project: Project, spec: GcpCloud) -> None:
        self._project = project
        self._spec = spec
        self._calls = Calls(spec)
        self._frontends: dict[str, Frontend | None] = {}

    @property
    def name(self) -> str:
        """The cloud, as phoenix.yaml names it."""
        return self._spec.name

    @property
    def abilities(self) -> Abilities:
        """What it can do: it replaces machines, sizes groups by load, and spreads them over zones."""
        return ABILITIES

    @property
    def sight(self) -> Sight:
        """What a look at its groups and balancers shares."""
        return self._calls.sight

    def builder(self, say: Say) -> str:  # noqa: ARG002 (others have to try it out)
        """Packer: there is no other."""
        return "packer"

    @cached_property
    def images(self) -> GcpImages:
        """Its images."""
        from phoenix.clouds.gcp.images import GcpImages

        return GcpImages(self._project.name, self._spec, self._calls)

    @cached_property
    def groups(self) -> GcpGroups:
        """Its groups."""
        from phoenix.clouds.gcp.groups import GcpGroups

        return GcpGroups(self._project.name, self._spec, self._calls)

    def traffic(self, place: Place) -> Traffic:
        """The load balancer of one service in one environment. SpecError where phoenix.yaml names none.

        Of a place that phoenix.yaml no longer has here: what its groups get, by whichever route.
        """
        from phoenix.clouds.gcp import traffic

        spec = self._project.services.get(place.service)
        where = spec.environments.get(place.environment) if spec else None
        if spec is None or where is None or where.cloud != self.name:
            return LeftBehind(place=place, manner=traffic.MANNER, backends=lambda: self._left_behind(place))
        return traffic.opened(self._calls, self._project.name, place, spec, where, self._frontends)

    def _left_behind(self, place: Place) -> tuple[Backend, ...]:
        from phoenix.clouds.gcp.balancer import left_behind

        there = (g.name for g in self.groups.list() if (g.service, g.environment) == (place.service, place.environment))
        return left_behind.backends(self._calls, self._spec.region, there)

    def template(self, *, base: str | None, parent: str | None) -> Template:
        """A machine that starts from the image below."""
        return template.template(self._spec, base=base, parent=parent)

    def url_for_machines(self, url: str) -> str:
        """The same. RefusedError for an address of this computer: no machine of Google Cloud reaches it."""
        if is_loopback(url):
            raise rules.out_of_reach(url, self.name)
        return url

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]:  # noqa: ARG002 (phoenix.yaml names none here)
        """None: phoenix reads no alarms of Cloud Monitoring."""
        return ()

    def room(self, need: Need) -> tuple[Finding, ...]:
        """Network, firewall and quotas of the region, with what is used of them."""
        from phoenix.clouds.gcp.account import places, room

        there = (each for each in places.of(self._project, self.name) if need.place == each.place)
        return room.findings(self._spec, self._calls, need, next(there, None))

    def check(self, *, rights: bool = False) -> tuple[Finding, ...]:
        """Who phoenix is there, whether what the project needs is there, and a Packer that can bake. Looks only."""
        from phoenix.clouds.gcp.account import check
        from phoenix.clouds.gcp.bake import packers

        tools = packers.findings(self._spec) if self._project.recipes else ()
        return (*tools, *check.findings(self._project, self._spec, self._calls, rights=rights))

    def policy(self) -> Mapping[str, Any]:
        """IAM's custom roles, one for each kind of work."""
        from phoenix.clouds.gcp.account import policy

        return {work.value: policy.policy(work) for work in policy.Work}

    def mend(self, place: Place) -> tuple[str, ...]:  # noqa: ARG002 (others run a balancer of their own)
        """Nothing: Google keeps its balancers up itself."""
        return ()

    def tidy(self, needed: frozenset[Place]) -> tuple[str, ...]:  # noqa: ARG002 (others run a balancer of their own)
        """Nothing: Google's balancers are somebody else's, and stay."""
        return ()

    def running(self) -> tuple[str, ...]:
        """Nothing: nothing of it runs on this computer."""
        return ()

    def stop(self) -> tuple[str, ...]:
        """Nothing: nothing of it runs on this computer."""
        return ()
