"""aptly, by its REST API on a unix socket that only this process knows, for as long as a command needs it.

aptly 1.5 loses packages where two requests write at a time, and answers "200" to both. So one process at a time
holds the root's lock, sends one request at a time, and looks at what is there afterwards. The command line of
aptly is never used beside: it would wait ten seconds for the database, and fail.
"""

from __future__ import annotations

import json
import shutil
import socket as sockets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from phoenix.clock import Clock
from phoenix.debs import ARCHITECTURES, Deb
from phoenix.errors import ToolError
from phoenix.tools import aptly_root, former_indexes, gpg, process, signers
from phoenix.tools.aptly_root import Root
from phoenix.tools.process import Command, Running, require
from phoenix.tools.socket_http import Answer, BrokenLineError, SocketHttp
from phoenix.wait import Look, Verdict, wait_for

REQUEST_TIMEOUT = 600.0
"""Seconds for one request: the index of a large repository, or the upload of a large package."""
START_DEADLINE = 30.0
"""Seconds for aptly to open its socket, which takes 30 ms."""
_UPLOAD = "phoenix"
"""The name of the only upload there can be at a time."""


@contextmanager
def opened(root: Root, *, own_key: bool, clock: Clock, between: Callable[[], None]) -> Iterator[Aptly]:
    """Start aptly on `root`, which must be locked by the caller, and end it when this ends.

    `own_key`: it signs with the key in the root's own GnuPG home, else (if at all) with one of the caller's.
    `between` is called every second while aptly is at work, and before each file that it is given.
    """
    aptly_root.end_left_over(root)
    shutil.rmtree(root.path / "upload", ignore_errors=True)
    config = root.path / "aptly.json"
    config.write_text(json.dumps(_config(root), indent=2) + "\n")
    root.log.write_bytes(b"")
    with aptly_root.short_path(root) as run:
        socket, home = run / "api.sock", run / "gnupg" if own_key else None
        if home:
            signers.prepare(root)
            gpg.end_agent(home, clock)
        try:
            with process.running(serve_command(config, socket, home), log=root.log) as program:
                aptly_root.note_process(root, program.pid)
                _wait_until_open(program, socket, root, clock)
                with closing(SocketHttp(socket, clock, between)) as line:
                    yield Aptly(line, program, root, home, clock, between)
        finally:
            if home:
                gpg.end_agent(home, clock)


def serve_command(config: Path, socket: Path, home: Path | None) -> Command:
    """The command that serves the API; with `home` an agent for the key in there beside it."""
    argv: tuple[str, ...] = (require("aptly", "aptly"), f"-config={config}", "api", "serve", f"-listen=unix://{socket}")
    environment = {"GIN_MODE": "release", "LC_ALL": "C.UTF-8"}
    if home:
        argv, environment = gpg.with_agent(home, argv), {**environment, "GNUPGHOME": str(home)}
    return Command(argv=argv, environment=environment)


class Aptly:
    """A running aptly. Every method is one question or one write; all raise ToolError where aptly refuses."""

    def __init__(
        self,
        line: SocketHttp,
        program: Running,
        root: Root,
        home: Path | None,
        clock: Clock,
        between: Callable[[], None],
    ) -> None:
        self._line = line
        self._between = between
        self._clock = clock
        self._program = program
        self._root = root
        self.home = home
        """The GnuPG home (by a short path) of the root's own key; None where it does not sign with that."""

    def packages(self, repository: str) -> tuple[Deb, ...]:
        """What is in the repository; nothing where it does not exist yet."""
        if repository not in self._repositories():
            return ()
        return self._debs(f"/api/repos/{repository}/packages")

    def keys(self, *, repository: str = "", snapshot: str = "") -> frozenset[str]:
        """aptly's own names for what is in one of them, `PARCHITECTURE NAME VERSION DIGEST`: quicker than packages."""
        if snapshot:
            return frozenset(self._ask("GET", f"/api/snapshots/{snapshot}/packages"))
        there = repository in self._repositories()
        return frozenset(self._ask("GET", f"/api/repos/{repository}/packages") if there else ())

    def snapshots(self) -> tuple[str, ...]:
        """The names of all snapshots in the root, sorted."""
        return tuple(sorted(snapshot["Name"] for snapshot in self._ask("GET", "/api/snapshots")))

    def snapshot(self, name: str) -> tuple[Deb, ...]:
        """What is in the snapshot."""
        return self._debs(f"/api/snapshots/{name}/packages")

    def notes(self) -> dict[str, tuple[str, str]]:
        """When each snapshot was made (RFC 3339) and what was noted with it then, by its name."""
        listed = self._ask("GET", "/api/snapshots")
        return {each["Name"]: (each["CreatedAt"], each["Description"]) for each in listed}

    def published(self, distribution: str) -> str | None:
        """The snapshot that the distribution shows; None where it is not published."""
        sources = [p["Sources"] for p in self._ask("GET", "/api/publish") if p["Distribution"] == distribution]
        return sources[0][0]["Name"] if sources else None

    def architectures(self, distribution: str) -> tuple[str, ...]:
        """Those that the distribution has an index for, sorted; none where it is not published."""
        found = [p["Architectures"] for p in self._ask("GET", "/api/publish") if p["Distribution"] == distribution]
        return tuple(sorted(found[0])) if found else ()

    def add(self, repository: str, files: Mapping[Deb, Path]) -> None:
        """Put the files into the repository, which is made where it does not exist."""
        if repository not in self._repositories():
            self._ask("POST", "/api/repos", json={"Name": repository})
        upload = self._root.path / "upload" / _UPLOAD  # where its API would put what it is sent, one by one
        try:
            upload.mkdir(parents=True, exist_ok=True)
            for deb, path in files.items():
                self._between()
                shutil.copyfile(path, upload / pool_name(deb))
        except OSError as error:
            raise ToolError(
                "the packages could not be copied into the repository",
                details=f"{upload}: {error.strerror}",
                resolution="Give the disk room, or the files to this user; then publish again.",
            ) from error
        answer = self._ask("POST", f"/api/repos/{repository}/file/{_UPLOAD}")
        if answer["FailedFiles"]:
            raise ToolError(
                "aptly did not take every package",
                details="\n".join(answer["Report"]["Warnings"]),
                resolution=f"Its log is {self._root.log}.",
            )

    def remove(self, repository: str, debs: Sequence[Deb]) -> None:
        """Take the packages out of the repository; those that are not there are taken out already."""
        if repository not in self._repositories():
            return
        listed = self._ask("GET", f"/api/repos/{repository}/packages", params={"format": "details"})
        keys = [package["Key"] for package in listed if _deb(package) in debs]
        if keys:
            self._ask("DELETE", f"/api/repos/{repository}/packages", json={"PackageRefs": keys})

    def match(self, repository: str, snapshot: str) -> None:
        """Make the repository hold exactly what is in the snapshot."""
        if repository not in self._repositories():
            self._ask("POST", "/api/repos", json={"Name": repository})
        place = f"/api/repos/{repository}/packages"
        wanted, there = self.keys(snapshot=snapshot), self.keys(repository=repository)
        # what goes first: two contents under one version do not fit into a repository
        for method, keys in (("DELETE", there - wanted), ("POST", wanted - there)):
            if keys:
                self._ask(method, place, json={"PackageRefs": sorted(keys)})

    def take_snapshot(self, repository: str, name: str, note: str) -> None:
        """Freeze what is in the repository now (nothing, where it does not exist yet) under `name`, with a note."""
        if repository in self._repositories():
            self._ask("POST", f"/api/repos/{repository}/snapshots", json={"Name": name, "Description": note})
        else:
            self._ask("POST", "/api/snapshots", json={"Name": name, "Description": note})

    def drop_snapshot(self, name: str) -> None:
        """Remove the snapshot, which must not be shown; one that is not there is removed already."""
        if name in self.snapshots():
            self._ask("DELETE", f"/api/snapshots/{name}", params={"force": "1"})

    def give_room_back(self) -> None:
        """Remove from the disk what no repository, no snapshot and no publication refers to."""
        self._ask("POST", "/api/db/cleanup", json={})

    def publish(self, distribution: str, component: str, snapshot: str, *, key: str | None) -> None:
        """Show the snapshot as the distribution, signed with `key` (None: unsigned)."""
        published = self.clean(distribution)
        shown = self._shown(distribution)
        former_indexes.keep(shown, self._root.indexes / distribution)
        signing = {"Batch": True, "GpgKey": key} if key else {"Skip": True}
        wanted = {"AcquireByHash": True, "Signing": signing}
        source = {"Component": component, "Name": snapshot}
        if published:
            self._ask("PUT", f"/api/publish/:./{distribution}", json={**wanted, "Snapshots": [source]})
        else:
            fixed = {"Distribution": distribution, "Architectures": list(ARCHITECTURES)}
            named = {"Label": "phoenix", "Origin": "phoenix", "SourceKind": "snapshot", "Sources": [source]}
            self._ask("POST", "/api/publish/:.", json={**wanted, **fixed, **named})
        if key is None:
            for signature in ("InRelease", "Release.gpg"):  # of a former publication that was signed
                (shown / signature).unlink(missing_ok=True)
        former_indexes.put_back(shown, self._root.indexes / distribution, self._clock.now())

    def clean(self, distribution: str) -> bool:
        """Remove what an interrupted publication left; whether the distribution is published.

        aptly would write on into those files, and they are hard-linked to the indexes that clients ask for by hash.
        """
        shown = self._shown(distribution)
        published = self.published(distribution) is not None
        if not published:
            shutil.rmtree(shown, ignore_errors=True)
        for left in shown.rglob("*.tmp*"):
            left.unlink()
        return published

    def _shown(self, distribution: str) -> Path:
        return self._root.public / "dists" / distribution

    def _repositories(self) -> list[str]:
        return [repository["Name"] for repository in self._ask("GET", "/api/repos")]

    def _debs(self, path: str) -> tuple[Deb, ...]:
        return tuple(sorted(_deb(package) for package in self._ask("GET", path, params={"format": "details"})))

    def _ask(self, method: str, path: str, *, params: Mapping[str, str] | None = None, json: Any = None) -> Any:
        ended = self._program.code()
        if ended is not None:
            raise self._failed(f"it has ended (exit {ended})")
        try:
            answer = self._line.ask(method, path, deadline=REQUEST_TIMEOUT, params=params, body=json)
        except BrokenLineError as error:
            raise self._failed(str(error)) from error
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._failed(_reason(answer))
        return answer.json()

    def _failed(self, reason: str) -> ToolError:
        """aptly's own words, or where it said none (it panicked) those in its log; of a full disk it says nothing."""
        if aptly_root.is_full(self._root):
            return ToolError(
                "the disk of the repository is full",
                details=f"{self._root.path}: {reason or 'aptly cannot open its database'}",
                resolution=aptly_root.MAKE_ROOM
                if self._root.reserve.exists()
                else "Give it room beside the repository: not even `phoenix repository prune` can begin.",
            )
        return ToolError(
            "aptly failed",
            details=reason or _panic(self._root.log) or "it gave no reason",
            resolution=f"Its whole log is {self._root.log}. A damaged database is mended by `aptly db recover"
            f" -config={self._root.path}/aptly.json`, or taken from a backup.",
        )


def pool_name(deb: Deb) -> str:
    """The name of the package's file in the pool: another content never gets the same, whatever its file was called."""
    version = deb.version.replace(":", ".")
    return f"{deb.name}_{version}_{deb.architecture}_{deb.sha256[:12]}.deb"


def _config(root: Root) -> dict[str, Any]:
    return {
        "rootDir": str(root.path.absolute()),
        "architectures": list(ARCHITECTURES),
        "databaseOpenAttempts": 1,
        "gpgProvider": "gpg2",
        "skipContentsPublishing": True,
        "skipBz2Publishing": True,
    }


def _wait_until_open(program: Running, socket: Path, root: Root, clock: Clock) -> None:
    def look() -> Look:
        if _takes(socket):
            return Look(verdict=Verdict.PASS, seen="open")
        if program.code() is None:
            return Look(verdict=Verdict.UNKNOWN, seen="starting")
        said = root.log.read_text(errors="replace").strip().splitlines() or ["nothing"]
        raise ToolError("aptly did not start", details=said[-1], resolution=f"Its whole log is {root.log}.")

    wait_for("the start of aptly", look, clock=clock, deadline=START_DEADLINE, interval=0.01)


def _takes(path: Path) -> bool:
    """Whether somebody takes connections there: between bind(2) and listen(2) there is a file, and nobody behind it."""
    with sockets.socket(sockets.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _deb(package: Mapping[str, str]) -> Deb:
    return Deb(
        name=package["Package"],
        version=package["Version"],
        architecture=package["Architecture"],
        sha256=package["SHA256"],
    )


def _reason(answer: Answer) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.body.decode("utf-8", "replace")


def _panic(log: Path) -> str:
    """The line after "panic recovered" in aptly's log that says what was wrong."""
    _before, _mark, after = log.read_text(errors="replace").rpartition("panic recovered:")
    telling = (line.strip(" &{}") for line in after.splitlines() if "leveldb" in line or "database" in line)
    return next(telling, "")
