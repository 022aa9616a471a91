"""The form of the whole file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from phoenix.spec.form.clouds import CloudForm, LocalCloudForm
from phoenix.spec.form.fields import Boolean, Form, Matches, Name, located
from phoenix.spec.form.images import ImagesForm
from phoenix.spec.form.repositories import RepositoryForm
from phoenix.spec.form.services import ON_THIS_COMPUTER, ServiceForm
from phoenix.spec.form.stacks import StackForm
from phoenix.spec.project import Project

State = Annotated[
    str,
    Matches(
        re.compile(r"(s3|gs)://[a-z0-9][a-z0-9._-]+(/[^\s]*)?|(?![a-z0-9]+://)[^\s\0]([^\0\n]*\S)?"),
        "place for the state",
        "a directory, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX",
    ),
]


class ProjectForm(Form):
    """One phoenix.yaml."""

    version: Literal[1] = Field(description="Version of this format.")
    project: Name = Field(description="Name of the project, which stands on everything it owns.", examples=["shop"])
    state: State = Field(
        default=".phoenix",
        description="Locks, journals and records: a directory, or a bucket.",
        examples=["s3://acme-phoenix/shop"],
    )
    state_is_shared: Boolean = Field(default=False, description="The state directory is one that every agent shares.")
    clouds: dict[Name, CloudForm] = Field(
        default={}, description="Where machines may be.", examples=[{"local": {"kind": "local"}}]
    )
    repositories: dict[Name, RepositoryForm] = Field(
        default={},
        description="Where packages are published.",
        examples=[{"main": {"distribution": "bookworm", "url": "http://127.0.0.1:9999"}}],
    )
    images: ImagesForm = Field(
        default_factory=ImagesForm,
        description="What images are baked from.",
        examples=[{"foundation": {"nodejs": {"os": "debian-12", "playbook": "nodejs.yml"}}}],
    )
    services: dict[Name, ServiceForm] = Field(
        default={},
        description="What is rolled.",
        examples=[
            {"web-tier": {"image": "foundation/nodejs", "port": 8080, "environments": {"local": ON_THIS_COMPUTER}}}
        ],
    )
    stacks: dict[Name, StackForm] = Field(
        default={}, description="Terraform roots.", examples=[{"network": {"root": "terraform/network"}}]
    )

    def read(self, file: Path) -> Project:
        """The frozen value. Only for a form whose names all refer to something (see `relations`)."""
        directory = file.parent
        in_bucket = "://" in self.state
        state_directory = directory / ".phoenix" if in_bucket else located(self.state, directory)
        repositories = tuple(self.repositories)
        clouds = {
            name: form.read(name, directory, state_directory) if isinstance(form, LocalCloudForm) else form.read(name)
            for name, form in self.clouds.items()
        }
        kinds = {name: cloud.kind for name, cloud in clouds.items()}
        return Project(
            name=self.project,
            directory=directory,
            file=file,
            state=self.state if in_bucket else str(state_directory),
            state_is_shared=self.state_is_shared,
            clouds=clouds,
            repositories={name: form.read(name, directory, kinds) for name, form in self.repositories.items()},
            recipes=self.images.read(repositories),
            services={name: form.read(name, repositories, clouds) for name, form in self.services.items()},
            stacks={name: form.read(name, directory) for name, form in self.stacks.items()},
        )
