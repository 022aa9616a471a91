"""AWS by heart: the answers that a test gives to calls, and what was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from phoenix.clouds.aws.calls import Answer, Calls, RefusedCallError
from phoenix.spec.clouds import AwsCloud

SPEC = AwsCloud(name="aws", region="eu-west-1", subnets=("subnet-a", "subnet-b"), tags={"team": "web"})
Said = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any]]


def no(code: str) -> RefusedCallError:
    """AWS refuses."""
    return RefusedCallError("AWS refused it", said=code, details=f"{code}: no")


class Account(Calls):
    """Answers calls by their names: the same each time, or one after the other where there are several."""

    def __init__(self, **answers: Said | list[Said]) -> None:
        super().__init__(SPEC)
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def ask(self, service: str, action: str, **parameters: Any) -> Answer:
        self.asked.append((action, parameters))
        answer = self.answers.get(action, {})
        said = (answer.pop(0) if len(answer) > 1 else answer[0]) if isinstance(answer, list) else answer
        if isinstance(said, Exception):
            raise said
        return said(parameters) if callable(said) else said

    def pages(self, service: str, action: str, key: str, **parameters: Any) -> Iterator[Any]:
        yield from self.ask(service, action, **parameters).get(key, [])

    def verbs(self) -> list[str]:
        """What was asked, by name."""
        return [action for action, _parameters in self.asked]

    def of(self, action: str) -> list[Mapping[str, Any]]:
        """With what each call of that name came."""
        return [parameters for name, parameters in self.asked if name == action]
