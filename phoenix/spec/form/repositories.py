"""The form of `repositories`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from phoenix.model import CloudKind
from phoenix.spec.form.fields import Directory, Form, Integer, Matches, Name, located
from phoenix.spec.repositories import RepositorySpec

DEFAULT_ROOT = ".phoenix/aptly"
"""Where aptly keeps the repository, from the project's directory."""
Url = Annotated[
    str,
    Matches(
        re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"), "address", "http://HOST:PORT/PATH"
    ),
]
Sign = Annotated[
    str,
    Matches(
        re.compile(r"auto|none|(0x)?([0-9A-Fa-f]{16}|[0-9A-Fa-f]{40})"), "way to sign", "auto, none, or a key's id"
    ),
]
Suite = Annotated[
    str, Matches(re.compile(r"[a-z0-9][a-z0-9.+-]*"), "distribution", "a suite or code name such as bookworm")
]

Bucket = Annotated[
    str,
    Matches(
        re.compile(r"(s3|gs)://[a-z0-9][a-z0-9._-]+[a-z0-9](/[A-Za-z0-9._=@+-]+)*/?"),
        "place in a bucket",
        "s3://BUCKET/PREFIX or gs://BUCKET/PREFIX",
    ),
]

EVERY = ""
"""The key of a url that is every cloud's."""


def _for_every_cloud(value: object) -> object:
    return value if isinstance(value, dict) else {EVERY: value}


class RepositoryForm(Form):
    """An aptly repository that booting machines install from."""

    distribution: Suite = Field(description="Distribution that apt asks for, such as bookworm.", examples=["bookworm"])
    root: Directory = Field(default=DEFAULT_ROOT, description="Directory that aptly keeps.", examples=["/srv/aptly"])
    url: Annotated[
        dict[str, Url],
        Field(min_length=1),
        BeforeValidator(_for_every_cloud, json_schema_input_type=Url | dict[Name, Url]),
    ] = Field(
        description="Where machines find it, or {CLOUD: url}; a loopback address is served by phoenix itself.",
        examples=[{"local": "http://127.0.0.1:9999", "aws": "https://apt.acme.internal"}],
    )
    sign: Sign = Field(default="auto", description="auto: a key is made for it; a key's id; none.", examples=["none"])
    keep: Annotated[Integer, Field(ge=1)] = Field(
        default=5, description="Newest versions of a package that pruning leaves.", examples=[3]
    )
    component: Name = Field(default="main", description="Component that apt asks for.", examples=["main"])
    bucket: Bucket | None = Field(
        default=None,
        description="Place in a bucket that shows it at its url: s3://BUCKET/PREFIX or gs://BUCKET/PREFIX.",
        examples=["s3://acme-apt/main"],
    )

    def read(self, name: str, directory: Path, kinds: Mapping[str, CloudKind]) -> RepositorySpec:
        """The frozen value; a relative `root` starts at the project's `directory`. `kinds`: of the file's clouds.

        A url is for the cloud of that name, else for those of that kind. Phoenix itself goes where machines of this
        computer go, where that is said.
        """
        said = {cloud: url.rstrip("/") for cloud, url in self.url.items()}
        urls = {cloud: said.get(cloud, said.get(kind, "")) for cloud, kind in kinds.items()}
        here = [said[key] for key in said if kinds.get(key, key) == CloudKind.LOCAL]
        own = next(iter(here), next(iter(said.values())))
        return RepositorySpec(
            name=name,
            distribution=self.distribution,
            root=located(self.root, directory),
            url=own,
            urls={cloud: url for cloud, url in urls.items() if url},
            sign=self.sign,
            keep=self.keep,
            component=self.component,
            bucket=(self.bucket or "").rstrip("/"),
        )
