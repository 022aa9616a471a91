"""What health checks look at, and what they find, where machines are real."""

from __future__ import annotations

from collections.abc import Iterator

from tests.emulators.gcp.api.references import key_in
from tests.emulators.gcp.balancing.backend_services import BackendServiceKind
from tests.emulators.gcp.balancing.health import Health, Watch
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.engine import Engine
from tests.emulators.machines.prober import Answers, Question


class Watching:
    """What is looked at: backends that are in use, and the members of groups with autohealing."""

    def __init__(self, emulated: Emulated, engine: Engine, backends: BackendServiceKind, health: Health) -> None:
        self._store = emulated.store
        self._health = health
        self._engine = engine
        self._backends = backends

    def due(self) -> list[Question[Watch]]:
        """What is to be asked of whom."""
        return self._health.asked(set(self._backends.watches()) | set(self._autohealing()))

    def heard(self, answers: Answers[Watch]) -> None:
        """What came of it."""
        for question, probed in answers:
            self._health.probed(question.of, probed)

    def _autohealing(self) -> Iterator[Watch]:
        for key, group in self._engine.groups.items():
            for policy in (self._store.get(key) or {}).get("autoHealingPolicies") or []:
                for member in group.members.values() if "healthCheck" in policy else ():
                    yield Watch(check=key_in(policy["healthCheck"]), instance=member.key)
