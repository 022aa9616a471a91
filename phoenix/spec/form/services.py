"""The form of `services`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from phoenix.model import CloudKind, ImageType
from phoenix.spec.clouds import CloudSpec
from phoenix.spec.form.environments import EnvironmentForm
from phoenix.spec.form.fields import (
    CommandLine,
    Duration,
    Form,
    ImageRef,
    Integer,
    Name,
    Packages,
    Period,
    Setting,
    Share,
    Text,
    written,
)
from phoenix.spec.form.health import HealthForm
from phoenix.spec.images import ImageName
from phoenix.spec.services import Hook, Hooks, ServiceSpec


class HookForm(Form):
    """A command run at a point of a roll."""

    command: CommandLine = Field(description="Command line; it starts in the project's directory.")
    timeout: Period = Field(default=written("5m"), description="The roll fails where the command lasts longer.")

    def read(self) -> Hook:
        """The frozen value."""
        return Hook(command=self.command, timeout=self.timeout)


def _long_hook(value: object) -> object:
    return {"command": value} if isinstance(value, str) else value


def _long_health(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


HookList = list[Annotated[HookForm, BeforeValidator(_long_hook, json_schema_input_type=str | HookForm)]]


def _none_written() -> Any:
    """No hooks, as they would stand in the file: a form made here would be built apart from the whole."""
    return {}


class HooksForm(Form):
    """The points of a roll at which hooks run."""

    before_traffic: HookList = Field(default=[], description="The new group is healthy and has no traffic yet.")
    after_traffic: HookList = Field(default=[], description="The new group has all traffic.")
    on_abort: HookList = Field(default=[], description="The roll was undone.")

    def read(self) -> Hooks:
        """The frozen value."""
        return Hooks(
            before_traffic=tuple(hook.read() for hook in self.before_traffic),
            after_traffic=tuple(hook.read() for hook in self.after_traffic),
            on_abort=tuple(hook.read() for hook in self.on_abort),
        )


class ServiceForm(Form):
    """The thing that is rolled."""

    image: ImageRef = Field(description="Image of its machines: TYPE/NAME.")
    foundation: Name | None = Field(
        default=None, description="Where `image` is an os image: foundation recipe whose stack is installed at boot."
    )
    packages: Packages = Field(default=[], description="Packages that the machines install when they boot.")
    settings: dict[Setting, Text] = Field(
        default={}, description="The service's environment file on the machine; secrets by reference."
    )
    port: Annotated[Integer, Field(ge=1, le=65535)] = Field(description="TCP port it listens on.")
    health: Annotated[HealthForm, BeforeValidator(_long_health, json_schema_input_type=str | HealthForm)] = Field(
        default_factory=HealthForm, description="How a machine proves that it works."
    )
    drain: Duration = Field(
        default=written("30s"), description="How long open requests may take when a group loses its traffic."
    )
    min_healthy: Share | None = Field(
        default=None, description="Part that must be healthy; 100%, from 10 machines on 90%."
    )
    hooks: HooksForm = Field(default_factory=_none_written, description="Commands of your own at points of a roll.")
    orphan: Literal["abort", "resume"] = Field(
        default="abort", description="What `tend` does with a run whose process died."
    )
    environments: Annotated[dict[Name, EnvironmentForm], Field(min_length=1)] = Field(description="Where it lives.")

    def read(self, name: str, repositories: tuple[str, ...], clouds: Mapping[str, CloudSpec]) -> ServiceSpec:
        """The frozen value; `clouds` are the file's."""
        image_type, _slash, image_name = self.image.partition("/")
        return ServiceSpec(
            name=name,
            image=ImageName(type=ImageType(image_type), name=image_name),
            packages=tuple(package.read(repositories) for package in self.packages),
            settings=self.settings,
            port=self.port,
            health=self.health.read(CloudKind.LOCAL),
            drain=self.drain,
            min_healthy=self.min_healthy,
            hooks=self.hooks.read(),
            foundation=ImageName(type=ImageType.FOUNDATION, name=self.foundation) if self.foundation else None,
            orphan=self.orphan,
            environments={
                each: form.read(each, clouds[form.cloud], self.health) for each, form in self.environments.items()
            },
        )
