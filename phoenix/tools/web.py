"""Reading what urls show: a file that lies here, a server on this computer, any other.

httpx costs a tenth of a second of processor time to load, and as much again for the certificates of https, each time. A
server on this computer speaks plain HTTP, which the standard library reads: most commands that publish load no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTP_PORT, HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from phoenix.tools.loopback import is_loopback

_FILE = "file://"
OK = 200
_REDIRECTS = range(300, 400)
_AS_IT_IS = "/%:@!$&'()*+,;=~"
"""What a path may have as it is (RFC 3986, 3.3); `%` begins what is quoted already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An answer, whole."""

    status: int
    reason: str
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 in it becomes U+FFFD."""
        return self.body.decode("utf-8", "replace")


class NoPageError(Exception):
    """There is no answer, or no whole one; the text says why."""


class NobodyError(NoPageError):
    """Nobody takes connections there."""


Read = Callable[[str], Page]
"""Gives what a url shows. Raises NoPageError."""


@contextmanager
def reader(url: str, *, timeout: float) -> Iterator[Read]:
    """What reads urls that begin like `url`, over one connection. `timeout`: seconds for one answer.

    Redirects are followed. What leads to this computer takes no proxy.
    """
    if url.startswith(_FILE):
        yield _file
    elif urlsplit(url).scheme == "http" and is_loopback(url):
        parts = urlsplit(url)
        with closing(HTTPConnection(parts.hostname or "", parts.port or HTTP_PORT, timeout=timeout)) as line:
            yield lambda wanted: _here(line, wanted, timeout)
    else:
        with _anywhere(timeout, proxies=not is_loopback(url)) as read:
            yield read


def _file(url: str) -> Page:
    try:
        return Page(status=OK, reason="OK", body=Path(url2pathname(url.removeprefix(_FILE))).read_bytes())
    except OSError as error:
        raise NoPageError(str(error.strerror)) from error


def _here(line: HTTPConnection, url: str, timeout: float) -> Page:
    page = _asked(line, quote(urlsplit(url).path, safe=_AS_IT_IS) or "/")
    if page.status in _REDIRECTS:
        with _anywhere(timeout, proxies=False) as read:
            return read(url)
    return page


def _asked(line: HTTPConnection, path: str) -> Page:
    """The answer on a line that may have been hung up since the last one."""
    old = line.sock is not None
    try:
        if not old:
            line.connect()
    except OSError as error:
        raise NobodyError(str(error)) from error
    try:
        line.request("GET", path)
        answer = line.getresponse()
        return Page(status=answer.status, reason=answer.reason, body=answer.read())
    except (OSError, HTTPException) as error:
        line.close()
        if old and isinstance(error, ConnectionError):
            return _asked(line, path)
        raise NoPageError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _anywhere(timeout: float, *, proxies: bool) -> Iterator[Read]:
    import httpx

    with httpx.Client(timeout=timeout, trust_env=proxies, follow_redirects=True) as client:

        def read(url: str) -> Page:
            try:
                answer = client.get(url)
            except httpx.ConnectError as error:
                raise NobodyError(str(error)) from error
            except httpx.HTTPError as error:
                raise NoPageError(str(error)) from error
            return Page(status=answer.status_code, reason=answer.reason_phrase, body=answer.content)

        yield read
