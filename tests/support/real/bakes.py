"""Requests for images on an emulated cloud: of real machines, or of such that nobody can log in to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from phoenix.clouds.api import BakeRequest, Template
from phoenix.clouds.aws.bake import template as aws_template
from phoenix.clouds.gcp.bake import template as gcp_template
from phoenix.execute import workspace
from phoenix.execute.packer_values import Identity
from phoenix.model import CloudKind, ImageType, Package, Source
from phoenix.spec.clouds import AwsCloud, GcpCloud
from phoenix.spec.images import ImageName, Recipe
from phoenix.spec.project import Project
from tests.support.real import marked

DEBIAN = "136693071363"
"""The account of Debian's AMIs."""
BASE = f"{DEBIAN}/debian-12-amd64-*"
PARENT = "os/debian-12"
"""The image that the emulator's world has."""
GCP_BASE = "debian-cloud/debian-12"
_ANSIBLE = re.compile(r'  provisioner "ansible" \{\n.*?\n  \}\n', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Bakes:
    """Bakes of one project on one cloud, laid out below `directory`.

    Where machines are not `real` the template is the shipped one but for the login: Packer makes an AMI of the machine
    as it is.
    """

    project: str
    spec: AwsCloud | GcpCloud
    directory: Path
    real: bool = False

    @property
    def base(self) -> str:
        """What its lowest layers start from."""
        return BASE if isinstance(self.spec, AwsCloud) else GCP_BASE

    def request(
        self,
        image_id: str,
        *,
        parent: str | None,
        created: datetime,
        packages: tuple[Package, ...] = (),
        doing: str = "",
        content: str = "",
    ) -> BakeRequest:
        """For the image of that id. `doing`: a command that this computer runs while the machine is there.

        `content` is what the playbook of a real machine writes into `/etc/` of `marked.FILE`.
        """
        name = ImageName(type=ImageType.FOUNDATION if parent else ImageType.OS, name="marked")
        key = image_id.encode().hex()
        if content:
            own = self.directory / "playbooks" / "mark.yml"
            own.parent.mkdir(exist_ok=True)
            own.write_text(marked.playbook(content))
        laid_out = self.directory / f"workspace-{image_id}"
        workspace.lay_out(
            self._project(),
            _recipe(name, "mark.yml" if content else None, {self.spec.kind: self.base}),
            self._template(parent),
            laid_out,
            identity=Identity(image_id=image_id, key=key, parent=parent or ""),
        )
        if not self.real:
            _without_login(laid_out / workspace.TEMPLATE, doing)
        return BakeRequest(
            image_id=image_id,
            type=name.type,
            name=name.name,
            key=key,
            parent=parent,
            base="" if parent else self.base,
            builder="packer",
            fresh=False,
            workspace=laid_out,
            packages=packages,
            source=Source(commit="c" * 40, dirty=True),
            created=created,
        )

    def _template(self, parent: str | None) -> Template:
        if isinstance(self.spec, AwsCloud):
            return aws_template.template(self.spec, base=self.base, parent=parent)
        return gcp_template.template(self.spec, base=self.base, parent=parent)

    def _project(self) -> Project:
        return Project(
            name=self.project,
            directory=self.directory,
            file=self.directory / "phoenix.yaml",
            state=".phoenix",
            state_is_shared=False,
            clouds={},
            repositories={},
            recipes={},
            services={},
            stacks={},
        )


def _recipe(name: ImageName, playbook: str | None, base: Mapping[CloudKind, str]) -> Recipe:
    return Recipe(
        image=name,
        parent=ImageName(type=ImageType.OS, name="debian-12") if name.type is not ImageType.OS else None,
        base=base,
        playbook=playbook,
        variables={},
        packages=(),
        tests=(),
        max_age=None,
    )


def _without_login(template: Path, doing: str) -> None:
    """The same template, but that nothing is done on the machine."""
    provisioner = f'  provisioner "shell-local" {{\n    inline = ["{doing}"]\n  }}\n' if doing else ""
    text, count = _ANSIBLE.subn(provisioner, template.read_text())
    text, also = re.subn(r"(  communicator +=) \"ssh\"", r'\1 "none"', text)
    assert (count, also) == (1, 1)
    template.write_text(text)
