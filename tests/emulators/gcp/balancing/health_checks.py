"""Health checks as things. https://cloud.google.com/compute/docs/reference/rest/v1/healthChecks"""

from __future__ import annotations

from tests.emulators.gcp.api.errors import Json, invalid, required
from tests.emulators.gcp.api.kinds import Asked, Kind
from tests.emulators.gcp.balancing.health import CHECKS
from tests.emulators.gcp.compute.quotas import Quotas

USUAL = {"checkIntervalSec": 5, "timeoutSec": 5, "healthyThreshold": 2, "unhealthyThreshold": 2}
PORTS = {"HTTP": 80, "HTTPS": 443, "HTTP2": 443, "TCP": 80, "SSL": 443}


class HealthCheckKind(Kind):
    """Health checks, global and regional."""

    noun = "healthChecks"

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """With what the service adds."""
        self._quotas.check_kind(self.noun, key)
        return self._checked(body)

    def change(self, asked: Asked, key: str, former: Json, new: Json) -> Json:
        """The same."""
        return self._checked(new)

    def _checked(self, body: Json) -> Json:
        kind = body.get("type")
        if not kind:
            raise required("resource.type")
        body = {**USUAL, **body}
        if body["timeoutSec"] > body["checkIntervalSec"]:
            raise invalid("resource.timeoutSec", body["timeoutSec"], "It cannot be greater than checkIntervalSec.")
        for name in ("healthyThreshold", "unhealthyThreshold"):
            if not 1 <= body[name] <= 10:
                raise invalid(f"resource.{name}", body[name], "1 to 10.")
        for other, name in CHECKS.items():
            if other != kind and body.get(name):
                raise invalid(f"resource.{name}", body[name], f"The type is {kind}.")
        how = dict(body.get(CHECKS[kind]) or {})
        if "port" in how and how.get("portSpecification") == "USE_SERVING_PORT":
            raise invalid(f"resource.{CHECKS[kind]}.port", how["port"], "Not with USE_SERVING_PORT.")
        if kind in PORTS and how.get("portSpecification") != "USE_SERVING_PORT":
            how.setdefault("port", PORTS[kind])
        if kind.startswith("HTTP"):
            how.setdefault("requestPath", "/")
        return {**body, CHECKS[kind]: how}
