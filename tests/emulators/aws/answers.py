"""The seam to moto: actions that the emulator answers itself, on moto's wire.

moto reads the request and writes the answer by botocore's own description of the service, so what the emulator adds is
only what the answer says. An action without an entry here is moto's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model

from tests.emulators.aws import behind
from tests.emulators.aws.emulated import Emulated
from tests.emulators.aws.faults import RefusedError

EMPTY = "emulator.empty"
"""In a request's environment: whether a fault of the test wants it answered with nothing."""
Shape = dict[str, Any]
"""A structure of an API, by the names of its reference."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call, read."""

    service: str
    action: str
    region: str
    parameters: Mapping[str, Any]
    response: Any
    """moto's own object for this call."""
    page: int | None
    """The most items of a page, as the test wants it."""
    _moto: Callable[[], Any]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter."""
        return self.parameters.get(name, default)

    def moto(self) -> ByMoto:
        """What moto answers to it, after what moto does."""
        return ByMoto(answer=self._moto())


@dataclass(frozen=True, kw_only=True)
class ByMoto:
    """An answer that moto has written."""

    answer: Any

    @property
    def done(self) -> bool:
        """Whether it is no refusal."""
        return int(self.answer[0]) == 200


Handler = Callable[[Asked], Shape | ByMoto | None]


class Answers:
    """The actions that the emulator answers itself."""

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated
        self._handlers: dict[tuple[str, str], Handler] = {}

    def add(self, service: str, **handlers: Handler) -> None:
        """Answer these actions of a service so."""
        self._handlers.update({(service, action): handler for action, handler in handlers.items()})

    def install(self) -> None:
        """Stand between moto's reading of a request and its answer, in this process, for good."""
        by_moto = BaseResponse.call_action
        handlers, emulated = self._handlers, self._emulated

        @functools.wraps(by_moto)
        def call_action(response: Any) -> Any:
            if response.normalized_request.environ.get(EMPTY):
                return _written(response, _nothing(response))
            handler = handlers.get((response.boto3_service_name, response._get_action()))
            if handler is None:
                return by_moto(response)
            if not response.automated_parameter_parsing:
                response.parse_parameters(response.normalized_request)
            return _answered(response, handler, emulated.settings.page, functools.partial(by_moto, response))

        behind.mend(BaseResponse, call_action=call_action)


def _answered(response: Any, handler: Handler, page: int | None, moto: Callable[[], Any]) -> Any:
    asked = Asked(
        service=response.boto3_service_name,
        action=response._get_action(),
        region=response.region,
        parameters=response.params,
        response=response,
        page=page,
        _moto=moto,
    )
    result: object
    try:
        result = handler(asked)
    except ServiceException as error:
        result = error
    if isinstance(result, ByMoto):
        return result.answer
    return _written(response, result)


def _written(response: Any, result: object) -> Any:
    status, headers, body = response.serialized(ActionResult(result))
    headers, body = response._enrich_response(headers, body)
    return status, headers, body


def _nothing(response: Any) -> Shape:
    """The lists of the action's answer, empty."""
    shape = get_service_model(response.boto3_service_name).operation_model(response._get_action()).output_shape
    return {name: [] for name, member in shape.members.items() if member.type_name == "list"} if shape else {}


def paged(
    asked: Asked, key: str, items: list[Any], *, limit: str = "MaxRecords", usual: int = 50, most: int = 100
) -> Shape:
    """One page of an answer, with the token of the next: its offset.

    "A response can contain fewer items than the value specified by MaxRecords, even when more items are available."
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
    """
    size = int(asked.get(limit) or usual)
    if not 1 <= size <= most:
        raise RefusedError("ValidationError", f"{limit} must be between 1 and {most}, and is {size}")
    given, told = ("Marker", "NextMarker") if limit == "PageSize" else ("NextToken", "NextToken")
    start, size = int(asked.get(given) or 0), min(size, asked.page or size)
    answer: Shape = {key: items[start : start + size]}
    if start + size < len(items):
        answer[told] = str(start + size)
    return answer
