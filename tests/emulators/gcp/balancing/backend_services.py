"""Backend services. https://cloud.google.com/compute/docs/reference/rest/v1/backendServices"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from tests.emulators.gcp.api.errors import Json, invalid, required
from tests.emulators.gcp.api.generic import Generic
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import is_whole, key_in, key_of, link, noun_of, region_of, scope_of
from tests.emulators.gcp.balancing.health import Health, Watch
from tests.emulators.gcp.balancing.routes import services
from tests.emulators.gcp.compute.launching import address_of
from tests.emulators.gcp.compute.quotas import Quotas
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.instance_groups import InstanceGroupKind

LEAST_SCALER = 0.1
LONGEST_DRAINING = 3600
RATES = ("maxRate", "maxRatePerInstance", "maxRatePerEndpoint")
USUAL = {"protocol": "HTTP", "timeoutSec": 30, "loadBalancingScheme": "EXTERNAL", "sessionAffinity": "NONE"}
STAYS = ("loadBalancingScheme",)
POLICIES = {"setSecurityPolicy": "securityPolicy", "setEdgeSecurityPolicy": "edgeSecurityPolicy"}
"""Told, and set by calls of their own: no update changes them."""


class BackendServiceKind(Kind):
    """Backend services, global and regional, with instance groups behind them."""

    noun = "backendServices"
    fingerprint_to_patch = True

    def __init__(
        self, emulated: Emulated, quotas: Quotas, health: Health, groups: InstanceGroupKind, generic: Generic
    ) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._quotas = quotas
        self._health = health
        self._groups = groups
        self._generic = generic
        self.added: dict[tuple[str, str], float] = {}
        """When a group became a backend, by the keys of service and group."""
        self.leaving: dict[tuple[str, str], float] = {}
        """Until when what is under way at a group that was a backend goes on."""

    def forget(self) -> None:
        """No backend was ever added."""
        self.added.clear()
        self.leaving.clear()

    def actions(self) -> Mapping[str, Handler]:
        """getHealth, and the policy of Cloud Armor."""
        return {"getHealth": self._get_health, **dict.fromkeys(POLICIES, self._set_security_policy)}

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """With what the service adds."""
        self._quotas.check_kind(self.noun, key)
        body = self._checked(asked, key, {**USUAL, **body})
        for backend in body["backends"]:
            self.added[key, key_in(backend["group"])] = self._emulated.clock.now
        return body

    def _checked(self, asked: Asked, key: str, body: Json, former: Json | None = None) -> Json:
        body.setdefault("backends", [])
        body = _with_secret(body, former)
        self._check_health_checks(key, body)
        draining = (body.get("connectionDraining") or {}).get("drainingTimeoutSec", 0)
        if not 0 <= draining <= LONGEST_DRAINING:
            raise invalid("resource.connectionDraining.drainingTimeoutSec", draining, "0 to 3600.")
        if body["protocol"] in ("HTTP", "HTTPS", "HTTP2"):
            body.setdefault("portName", "http")
        given = asked.body.get("backends") or []
        seen: set[str] = set()
        for index, backend in enumerate(body["backends"]):
            at = f"resource.backends[{index}]"
            as_given = given[index].get("group", "") if index < len(given) else backend.get("group", "")
            if not is_whole(as_given):
                raise invalid(f"{at}.group", as_given, "The URL is malformed: partial URLs are not supported.")
            group = key_in(backend["group"])
            if group in seen:
                raise invalid("resource.backends", group, "Duplicate instance groups in backend service.")
            seen.add(group)
            self._check_backend(key, at, backend, body)
        return body

    def _check_health_checks(self, key: str, body: Json) -> None:
        checks = body.get("healthChecks") or []
        if len(checks) > 1:
            raise invalid("resource.healthChecks", len(checks), "At most one health check can be specified.")
        if not checks and any("/instanceGroups/" in backend.get("group", "") for backend in body["backends"]):
            raise invalid("resource.healthChecks", "", "Instance groups must have a health check.")
        for check in checks:
            place = scope_of(key_in(check))
            if "/regions/" in place and place != scope_of(key):
                raise invalid("resource.healthChecks", check, "It is of another region than the backend service.")

    def _check_backend(self, key: str, at: str, backend: Json, body: Json) -> None:
        group = key_in(backend["group"])
        if noun_of(group) not in ("instanceGroups", "networkEndpointGroups"):
            raise invalid(f"{at}.group", group, "It is neither an instance group nor a network endpoint group.")
        if "/regions/" in key and region_of(scope_of(group)) != region_of(scope_of(key)):
            raise invalid(f"{at}.group", group, "It is of another region than the backend service.")
        mode = backend.setdefault("balancingMode", "UTILIZATION")
        if mode == "UTILIZATION":
            backend.setdefault("maxUtilization", 0.8)
        if mode == "RATE" and not any(backend.get(name) for name in RATES):
            raise required(f"{at}.maxRatePerInstance")
        if mode == "CONNECTION" and body["protocol"] in ("HTTP", "HTTPS", "HTTP2"):
            raise invalid(f"{at}.balancingMode", mode, "Not for this protocol.")
        scaler = backend.setdefault("capacityScaler", 1.0)
        if not (scaler == 0 or LEAST_SCALER <= scaler <= 1):
            raise invalid(f"{at}.capacityScaler", scaler, "The valid ranges are 0.0 and [0.1,1.0].")
        if scaler == 0 and len(body["backends"]) == 1:
            raise invalid(f"{at}.capacityScaler", scaler, "It cannot be 0 when there is only one backend attached.")

    def change(self, asked: Asked, key: str, former: Json, new: Json) -> Json:
        """Groups come and go."""
        policies = {name: former[name] for name in POLICIES.values() if name in former}
        new = self._checked(asked, key, {**USUAL, **{name: former[name] for name in STAYS}, **new, **policies}, former)
        for name in STAYS:
            if new[name] != former[name]:
                raise invalid(f"resource.{name}", new[name], "It cannot be changed.")
        return new

    def changed(self, key: str, former: Json) -> None:
        """https://cloud.google.com/load-balancing/docs/enabling-connection-draining"""
        now, row = self._emulated.clock.now, self._store.need(key)
        before = {key_in(backend["group"]) for backend in former.get("backends", [])}
        after = {key_in(backend["group"]) for backend in row["backends"]}
        for group in after - before:
            self.added[key, group] = now
            self.leaving.pop((key, group), None)
        for group in before - after:
            self.added.pop((key, group), None)
            self.leaving[key, group] = now + self.timeout(row)

    def timeout(self, row: Json) -> float:
        """How long a backend service drains."""
        own = (row.get("connectionDraining") or {}).get("drainingTimeoutSec", 0)
        overruled = self._emulated.settings.drain
        return float(own if overruled is None else overruled)

    def draining(self, group: str) -> float:
        """How long a member of an instance group is drained before it is ended."""
        return max((self.timeout(row) for _key, row in self._with(group)), default=0.0)

    def _with(self, group: str) -> Iterator[tuple[str, Json]]:
        for key, row in self._store.of(self.noun):
            if any(key_in(backend["group"]) == group for backend in row["backends"]):
                yield key, row

    def show(self, key: str, row: Json) -> Json:
        """With who uses it."""
        users = [{"reference": link(user)} for user in self._generic.links.users(key)]
        return {**row, **({"usedBy": users} if users else {})}

    def used(self) -> set[str]:
        """Those that a forwarding rule leads to, at whatever weight: only they are health checked."""
        found: set[str] = set()
        for key, rule in self._store.of("forwardingRules"):
            if rule.get("backendService"):
                found.add(key_in(rule["backendService"]))
            proxy = self._store.get(key_in(rule["target"])) if rule.get("target") else None
            url_map = self._store.get(key_in(proxy["urlMap"])) if proxy and proxy.get("urlMap") else None
            if url_map:
                project = key.split("/")[1]
                found |= {str(key_of(service, project)) for service in services(url_map)}
        return found

    def port(self, row: Json, group: str) -> int | None:
        """The serving port of a group; None where it lacks the named port."""
        return self._groups.port(group, row.get("portName", "http"))

    def watches(self) -> Iterator[Watch]:
        """Every instance of every backend that is in use."""
        for key in self.used():
            row = self._store.get(key)
            for backend in (row or {}).get("backends", []):
                group = key_in(backend["group"])
                port = self.port(row or {}, group)
                for instance in self._groups.members(group) if port else ():
                    for check in (row or {}).get("healthChecks", []):
                        yield Watch(check=key_in(check), instance=instance, port=port)

    def members(self, key: str, group: str) -> Iterator[tuple[str, str, int, str]]:
        """The instances of a backend as the load balancer sees them: key, address, port and health."""
        row = self._store.need(key)
        port, since = self.port(row, group), self.added.get((key, group), 0.0)
        for instance in self._groups.members(group):
            address = address_of(self._store.need(instance))
            checks = row.get("healthChecks", [])
            if port and address and checks and self._store.need(instance)["status"] == "RUNNING":
                state = self._health.state(key_in(checks[0]), instance, port, since=since)
                yield instance, address, port, state

    def _get_health(self, asked: Asked) -> Json:
        """Nothing is said of a service that no forwarding rule leads to, of a group that came just now, of instances
        that do not run, and of a group without the named port: the list is empty then.
        """
        row = self._store.need(asked.key)
        group = key_of(asked.body.get("group"), asked.project)
        if group not in {key_in(backend["group"]) for backend in row["backends"]} or group is None:
            raise invalid("resource.group", asked.body.get("group"), "It is no backend of the backend service.")
        young = self._emulated.clock.now - self.added.get((asked.key, group), 0.0) < self._emulated.settings.health_lag
        statuses: list[Json] = []
        if not young and asked.key in self.used():
            statuses = [
                {"instance": link(instance), "ipAddress": address, "port": port, "healthState": state}
                for instance, address, port, state in self.members(asked.key, group)
            ]
        return {"kind": "compute#backendServiceGroupHealth", **({"healthStatus": statuses} if statuses else {})}

    def _set_security_policy(self, asked: Asked) -> Json:
        self._store.need(asked.key)
        given = self._generic.links.read(asked.body, asked.project).get("securityPolicy")

        def come() -> None:
            row = self._store.need(asked.key)
            row.pop(POLICIES[asked.method.verb], None)
            if given:
                row[POLICIES[asked.method.verb]] = given
            self._store.stamp(asked.key)

        return self._generic.alter(asked, come)


def _with_secret(body: Json, former: Json | None) -> Json:
    """ "For security reasons, this value cannot be retrieved via the API. Instead, the SHA-256 hash of the value is
    returned." Who does not send the secret leaves it as it is.
    """
    iap = body.get("iap")
    if not iap:
        return body
    hashed = ((former or {}).get("iap") or {}).get("oauth2ClientSecretSha256")
    if "oauth2ClientSecret" in iap:
        hashed = hashlib.sha256(iap["oauth2ClientSecret"].encode()).hexdigest()
    shown = {name: part for name, part in iap.items() if not name.startswith("oauth2ClientSecret")}
    return {**body, "iap": {**shown, **({"oauth2ClientSecretSha256": hashed} if hashed else {})}}
