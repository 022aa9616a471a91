"""The form of `services`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from phoenix.model import CloudKind, ImageType
from phoenix.spec.clouds import CloudSpec
from phoenix.spec.form.environments import EnvironmentForm
from phoenix.spec.form.fields import (
    Duration,
    Form,
    ImageRef,
    Integer,
    Name,
    Packages,
    Setting,
    Share,
    Text,
    written,
)
from phoenix.spec.form.health import HealthForm
from phoenix.spec.form.hooks import HooksForm, none_written
from phoenix.spec.form.timeouts import TimeoutsForm
from phoenix.spec.images import ImageName
from phoenix.spec.services import ServiceSpec

ON_THIS_COMPUTER = {"cloud": "local", "size": 2, "load_balancer": {"listen": "127.0.0.1:8000"}}
"""An environment, for examples."""


def _long_health(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class ServiceForm(Form):
    """The thing that is rolled."""

    image: ImageRef = Field(description="Image of its machines: TYPE/NAME.", examples=["foundation/nodejs"])
    foundation: Name | None = Field(
        default=None,
        description="Where `image` is an os image: foundation recipe whose stack is installed at boot.",
        examples=["nodejs"],
    )
    packages: Packages = Field(
        default=[], description="Packages that the machines install when they boot.", examples=[["hello"]]
    )
    settings: dict[Setting, Text] = Field(
        default={},
        description="The service's environment file on the machine, secrets by reference.",
        examples=[{"GREETING": "Hello", "DB_PASSWORD": "file:~/db-password"}],
    )
    port: Annotated[Integer, Field(ge=1, le=65535)] = Field(description="TCP port it listens on.", examples=[8080])
    health: Annotated[HealthForm, BeforeValidator(_long_health, json_schema_input_type=str | HealthForm)] = Field(
        default_factory=HealthForm, description="How a machine proves that it works.", examples=["/healthz"]
    )
    drain: Duration = Field(
        default=written("30s"),
        description="How long open requests may take when a group loses its traffic.",
        examples=["60s"],
    )
    min_healthy: Share | None = Field(
        default=None, description="Part that must be healthy; 100%, from 10 machines on 90%.", examples=["90%"]
    )
    hooks: HooksForm = Field(
        default_factory=none_written,
        description="Commands of your own at points of a roll.",
        examples=[{"before_traffic": ["./smoke.sh"]}],
    )
    timeouts: TimeoutsForm | None = Field(
        default=None, description="Time limits of its balancer (local); its own.", examples=[{"response": "2m"}]
    )
    conffiles: Literal["keep", "new"] | None = Field(
        default=None,
        description="A configuration file that image and package both have: the image's, or a new one; keep.",
        examples=["new"],
    )
    orphan: Literal["abort", "resume"] = Field(
        default="abort", description="What `tend` does with a run whose process died.", examples=["resume"]
    )
    environments: Annotated[dict[Name, EnvironmentForm], Field(min_length=1)] = Field(
        description="Where it lives.", examples=[{"local": ON_THIS_COMPUTER}]
    )

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
            timeouts=self.timeouts.read(self.drain) if self.timeouts else None,
            new_conffiles=self.conffiles == "new",
            environments={
                each: form.read(each, clouds[form.cloud], self.health, repositories)
                for each, form in self.environments.items()
            },
        )
