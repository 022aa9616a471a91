"""Google Cloud Storage at the wire: the requests of its XML API that obstore sends, with generations as preconditions.

No emulator that PyPI or Debian has speaks that API with preconditions. What is here follows Google's documentation:
a generation is a number that is never given twice for one name; `x-goog-if-generation-match: 0` means that the
object must not exist, any other number that it must have that generation; else the answer is 412.

An upload in parts becomes the object when it is completed, in one moment. An object that nothing is said of may be kept
by whoever stands between for an hour; `Cache-Control` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import md5
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

Start = Callable[[str, list[tuple[str, str]]], object]


class GcsWire:
    """Buckets in memory, as a WSGI application. Requests must come one after the other."""

    def __init__(self, *buckets: str) -> None:
        self.buckets: dict[str, dict[str, tuple[int, bytes]]] = {name: {} for name in buckets}
        self.controls: dict[tuple[str, str], str] = {}
        """The Cache-Control of each object."""
        self.written: list[str] = []
        """The names of all that was ever written or removed (`-NAME`), in order."""
        self._uploads: dict[str, tuple[str, str, dict[int, bytes]]] = {}
        self.page = 1000
        """How many names one answer lists."""
        self._generation = 1_700_000_000_000_000

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        bucket, _, name = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
        method = environ["REQUEST_METHOD"]
        if bucket not in self.buckets:
            return self._refuse(start, "404 Not Found", "NoSuchBucket", "The specified bucket does not exist.")
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if name and ("uploads" in query or "uploadId" in query):
            return self._part(start, bucket, name, query, environ)
        if method == "DELETE" and name:
            return self._delete(start, bucket, name)
        if method == "PUT" and name:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            wanted = environ.get("HTTP_X_GOOG_IF_GENERATION_MATCH")
            control = environ.get("HTTP_CACHE_CONTROL", "")
            return self._put(start, bucket, name, environ["wsgi.input"].read(length), wanted, control)
        if method == "GET" and name:
            return self._get(start, bucket, name)
        if method == "GET":
            return self._list(start, bucket, query)
        return self._refuse(start, "405 Method Not Allowed", "MethodNotAllowed", f"{method} is not known here.")

    def _put(
        self, start: Start, bucket: str, name: str, content: bytes, wanted: str | None, control: str
    ) -> Iterable[bytes]:
        generation, _ = self.buckets[bucket].get(name, (0, b""))
        if wanted is not None and int(wanted) != generation:
            return self._refuse(start, "412 Precondition Failed", "PreconditionFailed", "A condition did not hold.")
        self.become(bucket, name, content, control)
        return self._answer(start, b"", self._headers(bucket, name))

    def become(self, bucket: str, name: str, content: bytes, control: str = "") -> None:
        """Write the object, whatever was there."""
        self._generation += 1
        self.buckets[bucket][name] = (self._generation, content)
        self.controls[bucket, name] = control or "public, max-age=3600"
        self.written.append(name)

    def _delete(self, start: Start, bucket: str, name: str) -> Iterable[bytes]:
        if self.buckets[bucket].pop(name, None) is None:
            return self._refuse(start, "404 Not Found", "NoSuchKey", "The specified key does not exist.")
        self.written.append(f"-{name}")
        return self._answer(start, b"", [], "204 No Content")

    def _part(
        self, start: Start, bucket: str, name: str, query: dict[str, list[str]], environ: dict[str, Any]
    ) -> Iterable[bytes]:
        """An upload in parts: begun, a part of it, completed."""
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if "uploads" in query:
            upload = str(len(self._uploads))
            self._uploads[upload] = (name, environ.get("HTTP_CACHE_CONTROL", ""), {})
            return self._xml(start, "InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        _name, control, parts = self._uploads[query["uploadId"][0]]
        if environ["REQUEST_METHOD"] == "PUT":
            parts[int(query["partNumber"][0])] = content
            return self._answer(start, b"", [("ETag", _tag(content))])
        whole = b"".join(parts[number] for number in sorted(parts))
        self.become(bucket, name, whole, control)
        return self._xml(start, "CompleteMultipartUploadResult", f"<ETag>{escape(_tag(whole))}</ETag>")

    def _xml(self, start: Start, what: str, text: str) -> Iterable[bytes]:
        body = f"<?xml version='1.0' encoding='UTF-8'?><{what}>{text}</{what}>"
        return self._answer(start, body.encode(), [("Content-Type", "application/xml; charset=UTF-8")])

    def _get(self, start: Start, bucket: str, name: str) -> Iterable[bytes]:
        if name not in self.buckets[bucket]:
            return self._refuse(start, "404 Not Found", "NoSuchKey", "The specified key does not exist.")
        return self._answer(start, self.buckets[bucket][name][1], self._headers(bucket, name))

    def _list(self, start: Start, bucket: str, query: dict[str, list[str]]) -> Iterable[bytes]:
        """ListObjectsV2. The token of a page is the last name before it."""
        prefix, after = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
        names = sorted(name for name in self.buckets[bucket] if name.startswith(prefix) and name > after)
        shown, more = names[: self.page], len(names) > self.page
        contents = "".join(self._entry(bucket, name) for name in shown)
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        text = (
            "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>"
            f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        )
        return self._answer(start, text.encode(), [("Content-Type", "application/xml; charset=UTF-8")])

    def _entry(self, bucket: str, name: str) -> str:
        generation, content = self.buckets[bucket][name]
        return (
            f"<Contents><Key>{escape(name)}</Key><Generation>{generation}</Generation><Size>{len(content)}</Size>"
            f"<LastModified>2026-01-31T12:00:00.000Z</LastModified><ETag>{_tag(content)}</ETag></Contents>"
        )

    def _headers(self, bucket: str, name: str) -> list[tuple[str, str]]:
        generation, content = self.buckets[bucket][name]
        return [
            ("Cache-Control", self.controls[bucket, name]),
            ("ETag", _tag(content)),
            ("x-goog-generation", str(generation)),
            ("x-goog-metageneration", "1"),
            ("Last-Modified", "Sat, 31 Jan 2026 12:00:00 GMT"),
        ]

    def _answer(self, start: Start, body: bytes, headers: list[tuple[str, str]], status: str = "200 OK") -> list[bytes]:
        start(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _refuse(self, start: Start, status: str, code: str, message: str) -> Iterable[bytes]:
        body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return self._answer(start, body.encode(), [("Content-Type", "application/xml; charset=UTF-8")], status)


def _tag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'
