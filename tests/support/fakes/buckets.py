"""Buckets for tests: S3 as moto has it and GCS at the wire, both over HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from tests.support.fakes.gcs_wire import GcsWire
from tests.support.fakes.web import serving

BUCKET = "state"
KINDS = ("s3", "gs")


@dataclass(frozen=True, kw_only=True)
class Server:
    """An object store with one empty bucket."""

    kind: str
    address: str
    gcs: GcsWire = field(default_factory=GcsWire)

    @property
    def url(self) -> str:
        """What `state` in phoenix.yaml says."""
        return f"{self.kind}://{BUCKET}/team/one"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which phoenix finds it."""
        return self.at(self.address)

    def shown(self, prefix: str) -> str:
        """The url at which anybody reads what is below `prefix`, in words that do not lead to this computer."""
        if self.kind == "s3":
            allowed = {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{BUCKET}/*",
            }
            policy = {"Version": "2012-10-17", "Statement": [allowed]}
            httpx.put(f"{self.address}/{BUCKET}?policy", json=policy).raise_for_status()
        return f"{self.address.replace('127.0.0.1', '0.0.0.0')}/{BUCKET}/{prefix}"

    def at(self, address: str) -> dict[str, str]:
        """The variables with which phoenix looks for it at another address."""
        if self.kind == "gs":
            return {"STORAGE_EMULATOR_HOST": address}
        return {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-west-1",
        }


@contextmanager
def bucket(kind: str) -> Iterator[Server]:
    """An object store of that kind, empty."""
    if kind == "gs":
        wire = GcsWire(BUCKET)
        with serving(wire) as address:
            yield Server(kind=kind, address=address, gcs=wire)
        return
    with serving(DomainDispatcherApplication(create_backend_app)) as address:
        httpx.post(f"{address}/moto-api/reset").raise_for_status()
        httpx.put(f"{address}/{BUCKET}").raise_for_status()
        yield Server(kind=kind, address=address)
