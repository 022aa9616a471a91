"""Google Cloud by heart, for tests of bakes: the answers that a test gives to calls, and what was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from phoenix.clouds.gcp.calls import Answer, Calls, RefusedCallError
from phoenix.spec.clouds import GcpCloud

SPEC = GcpCloud(name="gcp", project="acme-prod", region="us-central1", labels={"team": "web"})
Said = Mapping[str, Any] | Exception | None | Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


def no(said: str) -> RefusedCallError:
    """Google refuses."""
    return RefusedCallError("Google Cloud refused it", said=said, details=f"{said}: no")


class Asked(Calls):
    """Answers calls by their names (`instances__get`): the same each time, or one after the other where it has several.

    None: there is no such thing. Operations are done at once.
    """

    def __init__(self, **answers: Said | list[Said]) -> None:
        super().__init__(SPEC)
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def find(self, collection: str, method: str = "get", /, **parameters: Any) -> Answer | None:
        self.asked.append((f"{collection}.{method}", parameters))
        answer = self.answers.get(f"{collection}__{method}", {})
        said = (answer.pop(0) if len(answer) > 1 else answer[0]) if isinstance(answer, list) else answer
        if isinstance(said, Exception):
            raise said
        return said(parameters) if callable(said) else said

    def ask(self, collection: str, method: str = "get", /, **parameters: Any) -> Answer:
        return self.find(collection, method, **parameters) or {}

    def pages(
        self, collection: str, method: str = "list", /, *, key: str = "items", **parameters: Any
    ) -> Iterator[Answer]:
        yield from self.ask(collection, method, **parameters).get(key, ())

    def begin(self, collection: str, method: str, /, **parameters: Any) -> Answer:
        return {"status": "DONE", "name": "operation", **self.ask(collection, method, **parameters)}

    def verbs(self) -> list[str]:
        """What was asked, by name."""
        return [name for name, _parameters in self.asked]

    def of(self, name: str) -> list[Mapping[str, Any]]:
        """With what each call of that name came."""
        return [parameters for asked, parameters in self.asked if asked == name]
