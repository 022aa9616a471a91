"""Google Cloud Storage at the wire: the requests of its XML API that obstore sends, with generations as preconditions.

No emulator that PyPI or Debian has speaks that API with preconditions. What is here follows Google's documentation:
a generation is a number that is never given twice for one name; `x-goog-if-generation-match: 0` means that the
object must not exist, any other number that it must have that generation; else the answer is 412.
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
        self.page = 1000
        """How many names one answer lists."""
        self._generation = 1_700_000_000_000_000

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        bucket, _, name = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
        method = environ["REQUEST_METHOD"]
        if bucket not in self.buckets:
            return self._refuse(start, "404 Not Found", "NoSuchBucket", "The specified bucket does not exist.")
        if method == "PUT" and name:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            wanted = environ.get("HTTP_X_GOOG_IF_GENERATION_MATCH")
            return self._put(start, bucket, name, environ["wsgi.input"].read(length), wanted)
        if method == "GET" and name:
            return self._get(start, bucket, name)
        if method == "GET":
            return self._list(start, bucket, parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        return self._refuse(start, "405 Method Not Allowed", "MethodNotAllowed", f"{method} is not known here.")

    def _put(self, start: Start, bucket: str, name: str, content: bytes, wanted: str | None) -> Iterable[bytes]:
        generation, _ = self.buckets[bucket].get(name, (0, b""))
        if wanted is not None and int(wanted) != generation:
            return self._refuse(start, "412 Precondition Failed", "PreconditionFailed", "A condition did not hold.")
        self._generation += 1
        self.buckets[bucket][name] = (self._generation, content)
        return self._answer(start, b"", self._headers(self._generation, content))

    def _get(self, start: Start, bucket: str, name: str) -> Iterable[bytes]:
        if name not in self.buckets[bucket]:
            return self._refuse(start, "404 Not Found", "NoSuchKey", "The specified key does not exist.")
        generation, content = self.buckets[bucket][name]
        return self._answer(start, content, self._headers(generation, content))

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

    def _headers(self, generation: int, content: bytes) -> list[tuple[str, str]]:
        return [
            ("ETag", _tag(content)),
            ("x-goog-generation", str(generation)),
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
