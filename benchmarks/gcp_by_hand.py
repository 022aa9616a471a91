"""The other side of a roll on Google Cloud: the script that a person writes with google-cloud-compute for one service.

`python -m benchmarks.gcp_by_hand JSON` makes the same change as `phoenix roll`: two health checks, a backend service,
an instance template, a managed group in the region, a host rule by which it is checked; waits until all machines are
healthy, by as many looks in a row and as far apart; gives them the traffic by one write and reads it back; waits until
that has settled; drains and removes the former group with all that belongs to it. It keeps no record, undoes nothing,
and looks at nothing that may have changed.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from google.cloud import compute_v1 as compute

LOOK, LOOKS, SETTLES, END_LOOK = 5.0, 3, 60.0, 2.0
"""As phoenix does on Google Cloud: seconds between looks, looks in a row, to settle, between looks at an end."""
SCRIPT = "#!/bin/sh\necho hello\n"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to replace what."""

    name: str
    former: str | None
    project: str
    region: str
    url_map: str
    address: str
    image: str
    """The beginning of the image's name: the newest one is taken."""
    network: str
    interval: int
    healthy: int
    drain: int
    size: int
    """Of the first group; others are as large as the one before."""

    @cached_property
    def groups(self) -> Any:
        """Managed groups of the region."""
        return compute.RegionInstanceGroupManagersClient()

    @cached_property
    def services(self) -> Any:
        """Backend services."""
        return compute.BackendServicesClient()

    @cached_property
    def maps(self) -> Any:
        """URL maps."""
        return compute.UrlMapsClient()

    @cached_property
    def checks(self) -> Any:
        """Health checks."""
        return compute.HealthChecksClient()

    @cached_property
    def templates(self) -> Any:
        """Instance templates."""
        return compute.InstanceTemplatesClient()

    def roll(self) -> None:
        """All of it."""
        size = self._target_size(self.former) if self.former else self.size
        self._check(self.name, failures=2)
        self._check(f"{self.name}-heal", failures=5)
        self._template()
        self._group(size)
        self._service()
        self._preview()
        in_a_row = 0
        while in_a_row < LOOKS:
            in_a_row = in_a_row + 1 if self._healthy(size) else 0
            if in_a_row < LOOKS:
                time.sleep(LOOK)
        self._shift()
        if self.former:
            self._burn(self.former)

    def _link(self, kind: str, name: str) -> str:
        return f"https://www.googleapis.com/compute/v1/projects/{self.project}/global/{kind}/{name}"

    def _target_size(self, name: str) -> int:
        return int(self.groups.get(project=self.project, region=self.region, instance_group_manager=name).target_size)

    def _check(self, name: str, *, failures: int) -> None:
        check = compute.HealthCheck(
            name=name,
            type_="HTTP",
            check_interval_sec=self.interval,
            timeout_sec=self.interval - 1,
            healthy_threshold=self.healthy,
            unhealthy_threshold=failures,
            http_health_check=compute.HTTPHealthCheck(port=8080, request_path="/healthz"),
        )
        self.checks.insert(project=self.project, health_check_resource=check).result()

    def _template(self) -> None:
        images = compute.ImagesClient().list(request={"project": self.project, "filter": f"name eq {self.image}.*"})
        newest = max(images, key=lambda image: image.creation_timestamp)
        disk = compute.AttachedDisk(
            boot=True,
            auto_delete=True,
            initialize_params=compute.AttachedDiskInitializeParams(source_image=newest.self_link),
        )
        properties = compute.InstanceProperties(
            machine_type="e2-small",
            disks=[disk],
            network_interfaces=[compute.NetworkInterface(network=self._link("networks", self.network))],
            tags=compute.Tags(items=["web"]),
            metadata=compute.Metadata(items=[compute.Items(key="startup-script", value=SCRIPT)]),
        )
        template = compute.InstanceTemplate(name=self.name, properties=properties)
        self.templates.insert(project=self.project, instance_template_resource=template).result()

    def _group(self, size: int) -> None:
        healing = compute.InstanceGroupManagerAutoHealingPolicy(
            health_check=self._link("healthChecks", f"{self.name}-heal"), initial_delay_sec=240
        )
        group = compute.InstanceGroupManager(
            name=self.name,
            base_instance_name=self.name,
            instance_template=self._link("instanceTemplates", self.name),
            target_size=size,
            auto_healing_policies=[healing],
            update_policy=compute.InstanceGroupManagerUpdatePolicy(
                type_="OPPORTUNISTIC", instance_redistribution_type="NONE"
            ),
            distribution_policy=compute.DistributionPolicy(target_shape="BALANCED"),
        )
        self.groups.insert(project=self.project, region=self.region, instance_group_manager_resource=group).result()
        ports = compute.RegionInstanceGroupsSetNamedPortsRequest(
            named_ports=[compute.NamedPort(name="http", port=8080)]
        )
        compute.RegionInstanceGroupsClient().set_named_ports(
            project=self.project,
            region=self.region,
            instance_group=self.name,
            region_instance_groups_set_named_ports_request_resource=ports,
        ).result()

    @cached_property
    def members(self) -> str:
        """The plain group of the managed one."""
        found = self.groups.get(project=self.project, region=self.region, instance_group_manager=self.name)
        return str(found.instance_group)

    def _service(self) -> None:
        service = compute.BackendService(
            name=self.name,
            protocol="HTTP",
            port_name="http",
            load_balancing_scheme="EXTERNAL_MANAGED",
            health_checks=[self._link("healthChecks", self.name)],
            connection_draining=compute.ConnectionDraining(draining_timeout_sec=self.drain),
            backends=[compute.Backend(group=self.members, balancing_mode="UTILIZATION")],
        )
        self.services.insert(project=self.project, backend_service_resource=service).result()

    def _map(self) -> Any:
        return self.maps.get(project=self.project, url_map=self.url_map)

    def _write(self, there: Any) -> None:
        self.maps.update(project=self.project, url_map=self.url_map, url_map_resource=there).result()

    def _preview(self) -> None:
        """A host by which nobody comes: without it nothing would refer to the backend service, and nobody check it."""
        there = self._map()
        service = self._link("backendServices", self.name)
        there.path_matchers.append(compute.PathMatcher(name=self.name, default_service=service))
        there.host_rules.append(compute.HostRule(hosts=[f"{self.name}.invalid"], path_matcher=self.name))
        self._write(there)

    def _healthy(self, size: int) -> bool:
        """As many machines as are wanted, nothing going on, and as many healthy."""
        group = self.groups.get(project=self.project, region=self.region, instance_group_manager=self.name)
        told = self.services.get_health(
            project=self.project,
            backend_service=self.name,
            resource_group_reference_resource=compute.ResourceGroupReference(group=self.members),
        )
        healthy = sum(1 for each in told.health_status if each.health_state == "HEALTHY")
        return bool(group.status.is_stable) and healthy >= size

    def _shift(self) -> None:
        """One write, read back, answered for as long as it takes to settle."""
        there, service = self._map(), self._link("backendServices", self.name)
        there.default_service = service
        self._write(there)
        assert self._map().default_service == service, "the URL map does what it was told"
        until = time.monotonic() + SETTLES
        while True:
            with urllib.request.urlopen(f"http://{self.address}/healthz") as answer:
                assert answer.status == 200
            if time.monotonic() >= until:
                return
            time.sleep(LOOK)

    def _burn(self, name: str) -> None:
        """Drained by its manager, then removed, with what it was made of."""
        self.groups.resize(project=self.project, region=self.region, instance_group_manager=name, size=0).result()
        _until(lambda: self._is_empty(name))
        there = self._map()
        del there.path_matchers[[each.name for each in there.path_matchers].index(name)]
        del there.host_rules[[each.path_matcher for each in there.host_rules].index(name)]
        self._write(there)
        self.services.delete(project=self.project, backend_service=name).result()
        self.groups.delete(project=self.project, region=self.region, instance_group_manager=name).result()
        self.templates.delete(project=self.project, instance_template=name).result()
        for check in (name, f"{name}-heal"):
            self.checks.delete(project=self.project, health_check=check).result()

    def _is_empty(self, name: str) -> bool:
        listed = self.groups.list_managed_instances(
            project=self.project, region=self.region, instance_group_manager=name
        )
        return not list(listed)


def _until(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(END_LOOK)


if __name__ == "__main__":
    Change(**json.loads(sys.argv[1])).roll()
