"""The emulated service: all kinds of things, put together once in a process."""

from __future__ import annotations

from tests.emulators.gcp.api.api import Api
from tests.emulators.gcp.api.generic import Generic
from tests.emulators.gcp.api.kinds import Kind
from tests.emulators.gcp.balancing.backend_services import BackendServiceKind
from tests.emulators.gcp.balancing.health import Health
from tests.emulators.gcp.balancing.health_checks import HealthCheckKind
from tests.emulators.gcp.balancing.picture import Pictures
from tests.emulators.gcp.balancing.url_maps import ForwardingRuleKind, ProxyKind, UrlMapKind
from tests.emulators.gcp.balancing.watching import Watching
from tests.emulators.gcp.compute.fixed import ProjectKind, RegionKind, fill
from tests.emulators.gcp.compute.images import DiskKind, ImageKind
from tests.emulators.gcp.compute.instances import InstanceKind
from tests.emulators.gcp.compute.launching import Launching
from tests.emulators.gcp.compute.networks import NetworkKind
from tests.emulators.gcp.compute.operations import OperationKind
from tests.emulators.gcp.compute.quotas import Quotas
from tests.emulators.gcp.compute.templates import TemplateKind
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.autoscalers import AutoscalerKind
from tests.emulators.gcp.groups.engine import Engine
from tests.emulators.gcp.groups.instance_groups import InstanceGroupKind
from tests.emulators.gcp.groups.managers import ManagerKind
from tests.emulators.gcp.groups.members import MemberKind


class Service:
    """All parts, and the order in which they forget."""

    def __init__(self, emulated: Emulated) -> None:
        self.emulated = emulated
        kinds: dict[str, Kind] = {}
        generic, quotas = Generic(emulated, kinds), Quotas(emulated)
        images = ImageKind(emulated, quotas, generic)
        disks = DiskKind(emulated, images)
        launching = Launching(emulated, images)
        images.machine_of, disks.free = launching.machine_of.get, launching.free
        self.instances = InstanceKind(emulated, quotas, launching, generic)
        self.health = Health(emulated, self.instances)
        self.engine = Engine(emulated, launching, self.instances, self.health)
        self.groups = InstanceGroupKind(emulated, self.engine, generic)
        self.backends = BackendServiceKind(emulated, quotas, self.health, self.groups, generic)
        self.engine.draining = self.backends.draining
        self.autoscalers = AutoscalerKind(emulated, self.engine)
        self.watching = Watching(emulated, self.engine, self.backends, self.health)
        self.pictures = Pictures(emulated, self.backends, self.engine)
        managers = ManagerKind(emulated, self.engine, generic)
        parts = (
            OperationKind(emulated),
            ProjectKind(emulated, quotas, generic),
            RegionKind(quotas),
            NetworkKind(emulated),
            images,
            disks,
            self.instances,
            TemplateKind(quotas),
            managers,
            self.groups,
            self.autoscalers,
            HealthCheckKind(quotas),
            self.backends,
            UrlMapKind(emulated, quotas, generic),
            ProxyKind("targetHttpProxies", emulated, generic),
            ProxyKind("targetHttpsProxies", emulated, generic),
            ForwardingRuleKind(emulated, quotas, generic),
        )
        kinds.update({part.noun: part for part in parts})
        self.api = Api(emulated, (*parts, MemberKind(emulated, self.engine, self.health, generic)), generic)
        fill(emulated)

    def look(self) -> None:
        """Let happen what is due."""
        self.emulated.clock.settle()
        self.engine.look()
        self.pictures.draw()

    def reset(self) -> None:
        """Everything is as it was at the start."""
        self.emulated.forget()
        for part in (
            self.instances,
            self.health,
            self.engine,
            self.groups,
            self.backends,
            self.autoscalers,
            self.pictures,
            self.api,
        ):
            part.forget()
        fill(self.emulated)
