"""Google Cloud Storage as Google's Go library speaks to it, and so Terraform: in JSON, but for the reading of contents.

What is here follows Google's reference of the JSON API, as far as a backend of Terraform's uses it: objects are listed,
looked at, written whole with a precondition, and deleted. The rest is the XML API of `gcs_wire`, on the same objects.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from email.parser import BytesParser
from email.policy import HTTP
from hashlib import md5
from typing import Any
from urllib.parse import parse_qs

from tests.support.fakes.gcs_wire import GcsWire, Start

READS, WRITES = "/storage/v1/b/", "/upload/storage/v1/b/"


class GcsJson:
    """The buckets of a `GcsWire`, as a WSGI application that speaks both APIs."""

    def __init__(self, wire: GcsWire) -> None:
        self._wire = wire

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        path, query = environ["PATH_INFO"], parse_qs(environ.get("QUERY_STRING", ""))
        condition = query.get("ifGenerationMatch", [None])[0]
        if path.startswith(WRITES):
            name, content = _sent(environ)
            return self._write(start, _bucket(path, WRITES)[0], name, content, condition)
        if not path.startswith(READS):
            return self._wire(environ, start)
        bucket, name = _bucket(path, READS)
        if not name:
            return self._list(start, bucket, query.get("prefix", [""])[0])
        if name not in self._wire.buckets[bucket]:
            return _refuse(start, "404 Not Found", f"No such object: {bucket}/{name}")
        if environ["REQUEST_METHOD"] == "DELETE":
            return self._delete(start, bucket, name, condition)
        return _answer(start, self._shown(bucket, name))

    def _write(self, start: Start, bucket: str, name: str, content: bytes, condition: str | None) -> Iterable[bytes]:
        generation, _ = self._wire.buckets[bucket].get(name, (0, b""))
        if condition is not None and int(condition) != generation:
            return _refuse(start, "412 Precondition Failed", "At least one of the pre-conditions did not hold.")
        self._wire.become(bucket, name, content)
        return _answer(start, self._shown(bucket, name))

    def _delete(self, start: Start, bucket: str, name: str, condition: str | None) -> Iterable[bytes]:
        if condition is not None and int(condition) != self._wire.buckets[bucket][name][0]:
            return _refuse(start, "412 Precondition Failed", "At least one of the pre-conditions did not hold.")
        del self._wire.buckets[bucket][name]
        start("204 No Content", [])
        return [b""]

    def _list(self, start: Start, bucket: str, prefix: str) -> Iterable[bytes]:
        names = sorted(name for name in self._wire.buckets[bucket] if name.startswith(prefix))
        return _answer(start, {"kind": "storage#objects", "items": [self._shown(bucket, name) for name in names]})

    def _shown(self, bucket: str, name: str) -> dict[str, Any]:
        generation, content = self._wire.buckets[bucket][name]
        digest = md5(content, usedforsecurity=False).digest()
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "generation": str(generation),
            "metageneration": "1",
            "size": str(len(content)),
            "md5Hash": base64.b64encode(digest).decode(),
        }


def _bucket(path: str, begins: str) -> tuple[str, str]:
    """A bucket, and the object in it that the path names, if any."""
    bucket, _, rest = path.removeprefix(begins).partition("/")
    return bucket, rest.removeprefix("o").removeprefix("/")


def _sent(environ: dict[str, Any]) -> tuple[str, bytes]:
    """Name and content of an object that is sent whole: a part of JSON, and a part that it is about."""
    body = _body(environ)
    head = f"Content-Type: {environ['CONTENT_TYPE']}\r\n\r\n".encode()
    parts: list[Any] = list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())
    about, content = (bytes(each.get_payload(decode=True)) for each in parts)
    return str(json.loads(about)["name"]), content


def _body(environ: dict[str, Any]) -> bytes:
    """What a request brings, also where it comes in chunks, which no gateway of Python's own puts together."""
    sent = environ["wsgi.input"]
    if environ.get("HTTP_TRANSFER_ENCODING") != "chunked":
        return bytes(sent.read(int(environ["CONTENT_LENGTH"])))
    chunks = []
    while size := int(sent.readline(), 16):
        chunks.append(sent.read(size))
        sent.readline()
    sent.readline()
    return b"".join(chunks)


def _answer(start: Start, told: dict[str, Any], status: str = "200 OK") -> Iterable[bytes]:
    body = json.dumps(told).encode()
    start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _refuse(start: Start, status: str, message: str) -> Iterable[bytes]:
    return _answer(start, {"error": {"code": int(status[:3]), "message": message}}, status)
