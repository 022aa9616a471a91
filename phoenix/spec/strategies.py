"""The strategies by name, as `--strategy` takes them: the environment's own, or another kind with its defaults."""

from __future__ import annotations

from dataclasses import replace

from phoenix.errors import SpecError
from phoenix.spec.form.environments import BlueGreenForm, CanaryForm, RollingForm
from phoenix.spec.services import BlueGreen, Canary, EnvironmentSpec, GcpBackendService, Rolling, Strategy

KINDS: dict[str, type[Strategy]] = {"blue-green": BlueGreen, "rolling": Rolling, "canary": Canary}
CANARY_STEPS = [5, 25, 50, 100]
"""The shares of a canary that phoenix.yaml gives none for."""


def kind_of(strategy: Strategy) -> str:
    """The strategy's name: `blue-green`, `rolling` or `canary`."""
    return next(kind for kind, form in KINDS.items() if isinstance(strategy, form))


def chosen(kind: str, environment: EnvironmentSpec) -> Strategy:
    """The strategy of that kind: as phoenix.yaml has it where it is the environment's own, else with its defaults.

    How long the former group is kept, and which alarms are watched, stays what phoenix.yaml says. SpecError for a kind
    that there is not, or that the environment's balancer cannot do.
    """
    own = environment.strategy
    if kind not in KINDS:
        raise SpecError(
            f"there is no strategy '{kind}'",
            details=f"accepted: {', '.join(KINDS)}",
            resolution="Name one of these with --strategy, or leave it out.",
        )
    if kind == "canary" and isinstance(environment.load_balancer, GcpBackendService):
        raise SpecError(
            f"{environment.name} cannot be rolled as a canary",
            details="its balancer is a backend service, which has no exact shares",
            resolution="Give it {url_map: NAME, route: default}, or roll blue-green or rolling.",
        )
    if isinstance(own, KINDS[kind]):
        return own
    strategy = replace(_defaults(kind), alarms=own.alarms)
    if isinstance(strategy, Rolling) or isinstance(own, Rolling):
        return strategy
    return replace(strategy, keep=own.keep)


def _defaults(kind: str) -> Strategy:
    match kind:
        case "rolling":
            return RollingForm(kind="rolling").read()
        case "canary":
            return CanaryForm(kind="canary", steps=CANARY_STEPS).read()
        case _:
            return BlueGreenForm(kind="blue-green").read()
