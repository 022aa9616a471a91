"""The form of `hooks`, of a service and of an environment of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from phoenix.spec.form.fields import CommandLine, Form, Period, written
from phoenix.spec.services import Hook, Hooks


class HookForm(Form):
    """A command run at a point of a roll."""

    command: CommandLine = Field(
        description="Command line; it starts in the project's directory.", examples=["./smoke.sh"]
    )
    timeout: Period = Field(
        default=written("5m"), description="The roll fails where the command lasts longer.", examples=["1m"]
    )

    def read(self) -> Hook:
        """The frozen value."""
        return Hook(command=self.command, timeout=self.timeout)


def _long_hook(value: object) -> object:
    return {"command": value} if isinstance(value, str) else value


HookList = list[Annotated[HookForm, BeforeValidator(_long_hook, json_schema_input_type=str | HookForm)]]


def none_written() -> Any:
    """No hooks, as they would stand in the file: a form made here would be built apart from the whole."""
    return {}


class HooksForm(Form):
    """The points of a roll at which hooks run."""

    before_traffic: HookList = Field(
        default=[], description="The new group is healthy and has no traffic yet.", examples=[["./smoke.sh"]]
    )
    after_traffic: HookList = Field(
        default=[],
        description="The new group has all traffic.",
        examples=[[{"command": "./tell-chat.sh", "timeout": "1m"}]],
    )
    on_abort: HookList = Field(default=[], description="The roll was undone.", examples=[["./tell-chat.sh undone"]])

    def read(self) -> Hooks:
        """The frozen value."""
        return Hooks(
            before_traffic=tuple(hook.read() for hook in self.before_traffic),
            after_traffic=tuple(hook.read() for hook in self.after_traffic),
            on_abort=tuple(hook.read() for hook in self.on_abort),
        )


class HooksOverForm(Form):
    """The points at which an environment has hooks of its own; an empty list: none there."""

    before_traffic: HookList | None = Field(
        default=None, description="Hooks of this point; the service's own.", examples=[["./smoke.sh --gently"]]
    )
    after_traffic: HookList | None = Field(
        default=None, description="Hooks of this point; the service's own.", examples=[[]]
    )
    on_abort: HookList | None = Field(
        default=None, description="Hooks of this point; the service's own.", examples=[["./call-somebody.sh"]]
    )

    def read(self) -> dict[str, tuple[Hook, ...]]:
        """The points that are said, with their hooks."""
        points = {
            "before_traffic": self.before_traffic,
            "after_traffic": self.after_traffic,
            "on_abort": self.on_abort,
        }
        return {point: tuple(hook.read() for hook in hooks) for point, hooks in points.items() if hooks is not None}
