"""The web server of a repository whose url leads to this computer: the standard library's, in a process of its own.

It outlives the command that started it, is known by a file in the root (`serve.json`), and is told from any
other server on that port by what it serves: the root's own identity.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import urlsplit

from phoenix.clock import Clock
from phoenix.errors import RefusedError
from phoenix.tools import process, web
from phoenix.tools.aptly_root import IDENTITY, Root, locked
from phoenix.tools.process import Command, ProcessId
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

ADDRESS = "127.0.0.1"
"""What it listens on: the address that the machines' 10.0.2.2 leads to."""
START_DEADLINE = 15.0
"""Seconds from start to first answer, which takes 0.2."""
LOG, MOST_LOG = "serve.log", 10_000_000
"""The server's log, in the root, and the bytes at which a fresh one is begun."""
_TIMEOUT = 3.0
"""Seconds for one answer."""
_WORD = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The process that serves a root, and the url it was started for."""

    process: ProcessId
    url: str


def ensure(root: Root, url: str, *, clock: Clock, say: Callable[[str], None]) -> None:
    """See that `url` (on this computer) serves the root; start a server where the port is free.

    RefusedError where another program has the port. Any number of processes may say this at once.
    """
    if _serves(root, url):
        return
    with locked(root, "serve", holder="a start of the web server", clock=clock, deadline=START_DEADLINE, say=say):
        if _serves(root, url):
            return
        stop(root)  # one that was started for another url, or hangs
        log = root.path / LOG
        argv = (sys.executable, "-P", "-m", "phoenix.tools.serve", str(root.path), url)
        child = ProcessId.of(process.spawn(Command(argv=argv, cwd=root.path), log=log))
        _wait_until_served(root, url, child, log, clock)
        say(f"serving {root.public} at {url}")


def identity_at(url: str) -> str | None:
    """The identity of the repository that is shown at `url`, wherever that is; None where nobody says one."""
    try:
        with web.reader(url, timeout=_TIMEOUT) as read:
            page = read(f"{url.rstrip('/')}/{IDENTITY}")
    except web.NoPageError:
        return None
    said = page.text.strip()
    return said if page.status == web.OK and _WORD.fullmatch(said) else None


def find(root: Root) -> Server | None:
    """The server of the root that runs now, if phoenix started one."""
    try:
        facts = json.loads(root.server.read_text())
        identity = ProcessId(pid=facts["pid"], started=facts["started"], boot=facts["boot"])
    except (OSError, ValueError, KeyError):
        return None
    return Server(process=identity, url=facts["url"]) if identity.alive else None


def stop(root: Root) -> bool:
    """End the root's server; whether there was one."""
    server = find(root)
    if server is None:
        return False
    server.process.end()
    root.server.unlink(missing_ok=True)
    return True


def port_of(url: str) -> int:
    """The TCP port of an http url."""
    return urlsplit(url).port or 80


def _serves(root: Root, url: str) -> bool:
    """Whether the url shows this root's identity. RefusedError where it shows something else."""
    try:
        with web.reader(url, timeout=_TIMEOUT) as read:
            page = read(f"{url.rstrip('/')}/{root.identity.name}")
    except web.NobodyError:
        return False
    except web.NoPageError as error:
        seen = f"it takes the connection and does not answer: {error}"
    else:
        if root.identity.exists() and page.text == root.identity.read_text():
            return True
        seen = f"it answers {page.status} where the repository's identity should be"
    if find(root):
        return False  # ours: started for another path, or hanging
    raise RefusedError(
        f"port {port_of(url)} is used by another program",
        details=f"{url}: {seen}",
        resolution="End that program, or set another port in the repository's `url` in phoenix.yaml.",
    )


def _wait_until_served(root: Root, url: str, child: ProcessId | None, log: Path, clock: Clock) -> None:
    def look() -> Look:
        if child is None or not child.alive:
            return Look(verdict=Verdict.FAIL, seen=_last_line(log))
        served = _serves(root, url)
        return Look(verdict=Verdict.PASS if served else Verdict.UNKNOWN, seen="served" if served else "starting")

    try:
        wait_for("the start of the web server", look, clock=clock, deadline=START_DEADLINE, interval=0.05)
    except (HopelessError, DeadlineError) as error:
        raise RefusedError(
            f"the repository cannot be served at {url}",
            details=error.details,
            resolution=f"See {log}; set another port in the repository's `url` in phoenix.yaml if this one is taken.",
        ) from error


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it ended without a word"])[-1]


class _Server(ThreadingHTTPServer):
    """Listens without asking a name server who it is; a whole group of machines may boot at once."""

    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind, and take the address for the name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, int(self.server_address[1])


class _Handler(SimpleHTTPRequestHandler):
    """Files only, under the path of the url; no listings."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def __init__(self, *connection: Any, directory: str, prefix: str) -> None:
        self._prefix = prefix
        super().__init__(*connection, directory=directory)

    def parse_request(self) -> bool:
        """Read a request. Whether a file is new is never told by its time: two publications fit into one second."""
        understood = super().parse_request()
        if understood:
            del self.headers["If-Modified-Since"]
        return understood

    def translate_path(self, path: str) -> str:
        """The file for the path of a request; one that cannot exist where it is not below the url's path."""
        if path.startswith(f"{self._prefix}/"):
            return super().translate_path(path[len(self._prefix) :])
        return f"{os.devnull}/outside"

    def log_message(self, format: str, *args: Any) -> None:
        """Write a line; the log is set aside at 10 MB, once: a repository is served for years."""
        super().log_message(format, *args)
        if os.fstat(sys.stderr.fileno()).st_size > MOST_LOG:
            _set_aside(Path(self.directory).parent / LOG)

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        """Answer 404 to whoever asks for a directory."""
        self.log_message("no listing of %s", path)
        self.send_error(404, "Not Found")


def _set_aside(log: Path) -> None:
    """Begin a fresh log, unless another request has just done so: each opens the file, and the first locks it."""
    with log.open("ab") as full:
        fcntl.flock(full, fcntl.LOCK_EX)
        if full.tell() > MOST_LOG and log.stat().st_ino == os.fstat(full.fileno()).st_ino:
            log.replace(log.with_name(f"{LOG}.1"))
            with log.open("ab") as fresh:
                os.dup2(fresh.fileno(), sys.stderr.fileno())


def _write_down(root: Root, url: str) -> None:
    identity = ProcessId.of(os.getpid())
    assert identity is not None, "this process runs"
    facts: dict[str, Any] = {"pid": identity.pid, "started": identity.started, "boot": identity.boot, "url": url}
    fresh = root.server.with_suffix(".new")
    fresh.write_text(json.dumps(facts))
    fresh.replace(root.server)


def main(directory: str, url: str) -> None:
    """Serve the root in `directory` at `url` until a signal comes."""
    root = Root(path=Path(directory))
    handler = partial(_Handler, directory=str(root.public), prefix=urlsplit(url).path.rstrip("/"))
    try:
        server = _Server((ADDRESS, port_of(url)), handler)
    except OSError as error:
        sys.exit(f"{ADDRESS}:{port_of(url)}: {error.strerror}")
    with server:
        _write_down(root, url)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
