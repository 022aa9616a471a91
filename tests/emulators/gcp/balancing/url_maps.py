"""URL maps, their proxies and forwarding rules. https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.emulators.gcp.api.errors import ApiError, Json, invalid, required
from tests.emulators.gcp.api.generic import Generic
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import key_in, key_of, name_of, noun_of, project_of, scope_of
from tests.emulators.gcp.balancing.routes import destination, routes
from tests.emulators.gcp.compute.quotas import Quotas
from tests.emulators.gcp.emulated import Emulated

HOST = re.compile(r"(\*|\*?[a-z0-9.-]+)(:\d+)?", re.IGNORECASE)
MOST_TESTS = 100
MOST_WEIGHT = 1000
CLASSIC = "EXTERNAL"


class UrlMapKind(Kind):
    """URL maps: checked as a whole, with the tests that they bring."""

    noun = "urlMaps"
    fingerprint_to_patch = True

    def __init__(self, emulated: Emulated, quotas: Quotas, generic: Generic) -> None:
        self._store = emulated.store
        self._quotas = quotas
        self._generic = generic

    def actions(self) -> Mapping[str, Handler]:
        """validate."""
        return {"validate": self._validate}

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """A map that fits."""
        self._quotas.check_kind(self.noun, key)
        self._check(key, body)
        return body

    def change(self, asked: Asked, key: str, former: Json, new: Json) -> Json:
        """The same."""
        self._check(key, new)
        return new

    def _check(self, key: str, row: Json) -> None:
        for at, rule, prefix in routes(row):
            self._check_route(key, at, rule, prefix)
        self._check_hosts(row)
        self._check_paths(row)
        self._check_tests(key, row)

    def _check_route(self, key: str, at: str, rule: Json, prefix: str) -> None:
        """ "Only one of [...] can be set": a redirect, a service, or weights."""
        redirect, service, action = (
            (f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name)
            for name in ("urlRedirect", "service", "routeAction")
        )
        weighted = (rule.get(action) or {}).get("weightedBackendServices") or []
        given = [name for name, there in ((redirect, rule.get(redirect)), (service, rule.get(service))) if there]
        given += [f"{action}.weightedBackendServices"] if weighted else []
        if len(given) != 1:
            raise invalid(f"{at}.{service}", ", ".join(given), f"Exactly one of {redirect}, {service} or weights.")
        for index, one in enumerate(weighted):
            if not one.get("backendService"):
                raise required(f"{at}.{action}.weightedBackendServices[{index}].backendService")
            if not 0 <= one.get("weight", 0) <= MOST_WEIGHT:
                raise invalid(f"{at}.{action}.weightedBackendServices[{index}].weight", one["weight"], "0 to 1000.")
        if weighted and not any(one.get("weight", 0) for one in weighted):
            raise invalid(f"{at}.{action}.weightedBackendServices", 0, "One weight at least must not be 0.")
        self._check_services(key, f"{at}.{service}", [one["backendService"] for one in weighted], weighted=True)
        if rule.get(service):
            self._check_services(key, f"{at}.{service}", [rule[service]], weighted=False)

    def _check_services(self, key: str, at: str, services: list[str], *, weighted: bool) -> None:
        for reference in services:
            service = key_of(reference, project_of(key))
            if service is None or noun_of(service) not in ("backendServices", "backendBuckets"):
                raise invalid(at, reference, "It is no backend service.")
            if scope_of(service).split("/")[2:] != scope_of(key).split("/")[2:]:
                raise invalid(at, reference, "It is of another region than the URL map.")
            scheme = self._store.need(service).get("loadBalancingScheme", CLASSIC)
            if weighted and scheme == CLASSIC:
                raise invalid(at, reference, f"Weights are not supported for the scheme {scheme}.")

    def _check_hosts(self, row: Json) -> None:
        hosts: set[str] = set()
        names = [matcher.get("name") for matcher in row.get("pathMatchers", [])]
        used = [rule.get("pathMatcher") for rule in row.get("hostRules", [])]
        if len(names) != len(set(names)) or None in names:
            raise invalid("resource.pathMatchers", names, "Each has a name of its own.")
        for index, rule in enumerate(row.get("hostRules", [])):
            at = f"resource.hostRules[{index}]"
            if not rule.get("hosts"):
                raise required(f"{at}.hosts")
            for host in rule["hosts"]:
                if not HOST.fullmatch(host) or (host.startswith("*") and host[1:2] not in ("", "-", ".", ":")):
                    raise invalid(f"{at}.hosts", host, "It is no host pattern.")
                if host.lower() in hosts:
                    raise invalid(f"{at}.hosts", host, "A host is there twice.")
                hosts.add(host.lower())
            if rule.get("pathMatcher") not in names:
                raise invalid(f"{at}.pathMatcher", rule.get("pathMatcher"), "There is no such path matcher.")
        for name in names:
            if name not in used:
                raise invalid("resource.pathMatchers", name, "No host rule uses it.")

    def _check_paths(self, row: Json) -> None:
        for index, matcher in enumerate(row.get("pathMatchers", [])):
            at = f"resource.pathMatchers[{index}]"
            if matcher.get("pathRules") and matcher.get("routeRules"):
                raise invalid(f"{at}.routeRules", matcher["name"], "It has path rules, too.")
            paths = [path for rule in matcher.get("pathRules", []) for path in rule.get("paths", [])]
            for path in paths:
                if not path.startswith("/") or "*" in path.removesuffix("/*"):
                    raise invalid(f"{at}.pathRules", path, "A path begins with /, and * stands after a / at its end.")
            if len(paths) != len(set(paths)):
                raise invalid(f"{at}.pathRules", paths, "A path is there twice.")
            priorities = [rule.get("priority", 0) for rule in matcher.get("routeRules", [])]
            if len(priorities) != len(set(priorities)):
                raise invalid(f"{at}.routeRules", priorities, "A priority is there twice.")

    def _check_tests(self, key: str, row: Json) -> None:
        """ "Request to update the UrlMap succeeds only if all test cases pass."."""
        if len(row.get("tests", [])) > MOST_TESTS:
            raise invalid("resource.tests", len(row["tests"]), f"At most {MOST_TESTS}.")
        failures = self._failures(key, row)
        if failures:
            raise invalid("resource.tests", "", " ".join(failures))

    def _failures(self, key: str, row: Json) -> list[str]:
        found = []
        for test in row.get("tests", []):
            went = destination(row, test.get("host", ""), test.get("path", "/"))
            to = {key_of(service, project_of(key)) for service, weight in went.services if weight}
            expected = key_of(test.get("service", ""), project_of(key))
            if expected and to != {expected}:
                actual = ", ".join(sorted(name_of(str(one)) for one in to)) or "a redirect"
                url = f"{test.get('host', '')}{test.get('path', '')}"
                found.append(
                    f"Test failure: Expect URL '{url}' to map to service '{name_of(expected)}', but actually mapped to "
                    f"'{actual}'."
                )
        return found

    def _validate(self, asked: Asked) -> Json:
        """https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps/validate"""
        row = self._generic.links.read(asked.body.get("resource") or {}, asked.project)
        try:
            self._check(asked.key, {**row, "tests": []})
        except ApiError as error:
            return {"result": {"loadSucceeded": False, "loadErrors": [str(error)]}}
        failures = [{"actualService": words} for words in self._failures(asked.key, row)]
        return {"result": {"loadSucceeded": True, "testPassed": not failures, "testFailures": failures}}


class ProxyKind(Kind):
    """Target proxies, HTTP and HTTPS."""

    def __init__(self, noun: str, emulated: Emulated, generic: Generic) -> None:
        self.noun = noun
        self._store = emulated.store
        self._generic = generic

    def actions(self) -> Mapping[str, Handler]:
        """setUrlMap."""
        return {"setUrlMap": self._set_url_map}

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """It has a map of its own scope."""
        if not body.get("urlMap"):
            raise required("resource.urlMap")
        if scope_of(key_in(body["urlMap"])) != scope_of(key):
            raise invalid("resource.urlMap", body["urlMap"], "It is of another place than the proxy.")
        return body

    def _set_url_map(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        given = self._generic.links.read(asked.body, asked.project).get("urlMap")
        if not given:
            raise required("resource.urlMap")
        return self._generic.alter(asked, lambda: row.update(urlMap=given))


class ForwardingRuleKind(Kind):
    """Forwarding rules, global and regional."""

    noun = "forwardingRules"

    def __init__(self, emulated: Emulated, quotas: Quotas, generic: Generic) -> None:
        self._store = emulated.store
        self._quotas = quotas
        self._generic = generic
        self._made = 0

    def actions(self) -> Mapping[str, Handler]:
        """setTarget."""
        return {"setTarget": self._set_target}

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """It leads somewhere, from an address."""
        self._quotas.check_kind(self.noun, key)
        if bool(body.get("target")) == bool(body.get("backendService")):
            raise invalid("resource.target", body.get("target"), "Either a target or a backend service.")
        self._made += 1
        return {"IPProtocol": "TCP", "loadBalancingScheme": CLASSIC, "IPAddress": f"203.0.113.{self._made}", **body}

    def _set_target(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        given = self._generic.links.read(asked.body, asked.project).get("target")
        if not given:
            raise required("resource.target")
        return self._generic.alter(asked, lambda: row.update(target=given))
