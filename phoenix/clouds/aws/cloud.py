"""AWS as one thing to ask: its AMIs, its Auto Scaling groups, and a listener's rule per service and environment."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from phoenix.clouds import rules
from phoenix.clouds.api import Need, Say, Template, Traffic
from phoenix.clouds.aws.bake import template
from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.left_behind import LeftBehind
from phoenix.clouds.sight import Sight
from phoenix.errors import SpecError
from phoenix.manner import Abilities, Alarm, BootSeen, Finding
from phoenix.model import Backend, Place
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.project import Project
from phoenix.spec.services import AwsBalancer
from phoenix.tools.loopback import is_loopback

if TYPE_CHECKING:  # each room is loaded when it is entered
    from phoenix.clouds.aws.balancer.listener import Listener
    from phoenix.clouds.aws.groups import AwsGroups
    from phoenix.clouds.aws.images import AwsImages

ABILITIES = Abilities(
    builders=("packer",),
    proofs=(),
    boot=BootSeen.CONSOLE,
    heals=True,
    autoscaler=True,
    zones=True,
    here_only=False,
    alarms=True,
)


class AwsCloudDoor:
    """Implements `clouds.api.Cloud` in one region."""

    def __init__(self, project: Project, spec: AwsCloud) -> None:
        self._project = project
        self._spec = spec
        self._calls = Calls(spec)
        self._listeners: dict[str, Listener] = {}

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
    def images(self) -> AwsImages:
        """Its images."""
        from phoenix.clouds.aws.images import AwsImages

        return AwsImages(self._project.name, self._spec, self._calls)

    @cached_property
    def groups(self) -> AwsGroups:
        """Its groups."""
        from phoenix.clouds.aws.groups import AwsGroups

        return AwsGroups(self._project.name, self._spec, self._calls)

    def traffic(self, place: Place) -> Traffic:
        """The rule that serves one service in one environment. SpecError where phoenix.yaml names none.

        Of a place that phoenix.yaml no longer has here: what its groups get, by whichever rule.
        """
        from phoenix.clouds.aws.traffic import MANNER, AwsTraffic

        spec = self._project.services.get(place.service)
        where = spec.environments.get(place.environment) if spec else None
        if spec is None or where is None or where.cloud != self.name:
            return LeftBehind(place=place, manner=MANNER, backends=lambda: self._left_behind(place))
        balancer = where.load_balancer
        if not isinstance(balancer, AwsBalancer):
            raise SpecError(
                f"{place.service}/{place.environment} has no rule of a listener",
                details=f"{self._project.file}: services.{place.service}.environments.{place.environment}"
                ".load_balancer.listener",
                resolution="Give it the ARN of an Application Load Balancer's listener.",
            )
        return AwsTraffic(
            calls=self._calls,
            cloud=self._spec,
            project=self._project.name,
            place=place,
            balancer=balancer,
            port=spec.port,
            health=spec.at(where).health,
            drain=spec.drain,
            listeners=self._listeners,
        )

    def _left_behind(self, place: Place) -> tuple[Backend, ...]:
        from phoenix.clouds.aws.balancer import left_behind

        there = (g.name for g in self.groups.list() if (g.service, g.environment) == (place.service, place.environment))
        return left_behind.backends(self._calls, there)

    def template(self, *, base: str | None, parent: str | None) -> Template:
        """A machine that starts from the AMI below."""
        return template.template(self._spec, base=base, parent=parent)

    def url_for_machines(self, url: str) -> str:
        """The same. RefusedError for an address of this computer: no machine of AWS reaches it."""
        if is_loopback(url):
            raise rules.out_of_reach(url, self.name)
        return url

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]:
        """CloudWatch's alarms of those names, metric and composite ones."""
        from phoenix.clouds.aws.account import alarms

        return alarms.read(self._calls, names)

    def room(self, need: Need) -> tuple[Finding, ...]:
        """Addresses in the subnets, vCPUs, groups and targets, as far as the account's quotas tell."""
        from phoenix.clouds.aws.account import room

        return room.findings(self._spec, self._calls, need)

    def check(self, *, rights: bool = False) -> tuple[Finding, ...]:
        """Who phoenix is there, and whether what the project needs is there. Looks only."""
        from phoenix.clouds.aws.account import check
        from phoenix.clouds.aws.bake import packer_run

        tools = packer_run.findings(self._spec) if self._project.recipes else ()
        return (*tools, *check.findings(self._project, self._spec, self._calls, rights=rights))

    def policy(self) -> Mapping[str, Any]:
        """IAM's policies, one for each kind of work."""
        from phoenix.clouds.aws.account import passed, policy

        roles = {work: passed.roles(self._project, self._spec, work) for work in policy.Work}
        return {work.value: policy.policy(work, self._project.name, roles[work]) for work in policy.Work}

    def mend(self, place: Place) -> tuple[str, ...]:  # noqa: ARG002 (others run a balancer of their own)
        """Nothing: AWS keeps its balancers up itself."""
        return ()

    def tidy(self, needed: frozenset[Place]) -> tuple[str, ...]:  # noqa: ARG002 (others run a balancer of their own)
        """Nothing: AWS's balancers are somebody else's, and stay."""
        return ()

    def running(self) -> tuple[str, ...]:
        """Nothing: nothing of it runs on this computer."""
        return ()

    def stop(self) -> tuple[str, ...]:
        """Nothing: nothing of it runs on this computer."""
        return ()
