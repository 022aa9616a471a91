"""Many `phoenix publish` at once, killed ones, and the web server that several start at the same moment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer

import httpx
import pytest

from phoenix.clock import SystemClock
from phoenix.errors import RefusedError
from phoenix.tools import serve
from phoenix.tools.aptly_root import Root, locked
from tests.support.real.ports import free_port
from tests.support.real.repository_bench import (
    eventually,
    finish,
    make_deb,
    phoenix,
    processes_of,
    servers_of,
    write_project,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A project with a repository."""

    directory: Path
    root: Root
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def packages(self) -> set[str]:
        """`name version` of what `phoenix repository show` tells."""
        code, out, err = finish(phoenix(self.directory, "repository", "show", "--json"))
        assert code == 0, err
        return {f"{p['name']} {p['version']}" for p in json.loads(out)["repository"]["packages"]}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    port = free_port()
    root = Root(path=write_project(tmp_path / "project", port=port))
    yield Place(directory=tmp_path / "project", root=root, port=port)
    serve.stop(root)
    if (root.path / "run").is_symlink():  # a killed publication's, which the next one would have removed
        shutil.rmtree((root.path / "run").readlink())


def kill_at(place: Place, step: str, file: Path, number: signal.Signals) -> tuple[int, str]:
    """Publish `file`, and send the signal when the step begins; exit code and stderr."""
    run = phoenix(place.directory, "publish", str(file))
    assert run.stderr is not None
    said = ""
    for line in run.stderr:
        said += line
        if f" {step} ..." in line:
            os.kill(run.pid, number)
            break
    code, _out, rest = finish(run)
    return code, said + rest


@pytest.mark.parametrize("step", ["add", pytest.param("snapshot", marks=pytest.mark.full), "switch", "read-back"])
def test_killed_in_the_middle_the_next_publication_puts_it_right(place: Place, tmp_path: Path, step: str) -> None:
    assert finish(phoenix(place.directory, "publish", str(make_deb(tmp_path, "hello", "1.0"))))[0] == 0
    code, said = kill_at(place, step, make_deb(tmp_path, "hello", "2.0"), signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    code, out, err = finish(phoenix(place.directory, "publish", str(make_deb(tmp_path, "other", "1.0")), "--json"))
    assert code == 0, out + err
    assert "whose process had died" in err
    assert json.loads(out)["packages"][0]["name"] == "other"
    assert place.packages() == {"hello 1.0", "other 1.0"}
    assert processes_of(place.root.path) == []


def test_killed_nothing_stays_running(place: Place, tmp_path: Path) -> None:
    code, said = kill_at(place, "switch", make_deb(tmp_path, "hello", "1.0"), signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    assert eventually(lambda: processes_of(place.root.path) == []), processes_of(place.root.path)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_ended_by_a_signal_it_is_undone_at_once(
    place: Place, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    assert finish(phoenix(place.directory, "publish", str(make_deb(tmp_path, "hello", "1.0"))))[0] == 0
    ended, said = kill_at(place, "switch", make_deb(tmp_path, "hello", "2.0"), number)
    assert ended == code, said
    assert place.packages() == {"hello 1.0"}
    assert processes_of(place.root.path) == []
    assert finish(phoenix(place.directory, "publish", str(tmp_path / "hello_2.0_all.deb")))[0] == 0


def test_a_killed_publication_is_aborted_by_hand(place: Place, tmp_path: Path) -> None:
    code, said = kill_at(place, "switch", make_deb(tmp_path, "hello", "1.0"), signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    runs = json.loads(finish(phoenix(place.directory, "run", "list", "--json"))[1])["runs"]
    code, out, err = finish(phoenix(place.directory, "abort", runs[0]["id"], "--json"))
    assert code == 0, out + err
    assert json.loads(out)["run"]["state"] == "undone"


def test_without_aptly_nothing_is_begun(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dpkg-deb", "setpriv", "tar", "gzip", "gpg", "gpg-agent", "gpgconf"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    code, out, _err = finish(phoenix(place.directory, "publish", str(make_deb(tmp_path, "hello", "1.0")), "--json"))
    assert (code, json.loads(out)["error"]["brief"]) == (3, "the program 'aptly' is missing")
    assert json.loads(finish(phoenix(place.directory, "run", "list", "--json"))[1])["runs"] == []
    assert servers_of(place.root.path) == []


def test_what_is_dear_to_load_is_not_loaded(place: Place, tmp_path: Path) -> None:
    """httpx with its certificates costs more than aptly itself; typer makes an adapter of pydantic for each path."""
    program = """if True:
        import sys
        from phoenix.cli import app
        code = app.run(sys.argv[1:])
        sys.exit(code or ", ".join({"httpx", "typer._adapters"} & sys.modules.keys()) or 0)
    """
    argv = [
        sys.executable,
        "-c",
        program,
        "-C",
        str(place.directory),
        "publish",
        str(make_deb(tmp_path, "hello", "1.0")),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert place.packages() == {"hello 1.0"}


def test_one_mistake_has_three_sentences(place: Place) -> None:
    code, out, _err = finish(phoenix(place.directory, "publish", "missing.deb", "--json"))
    error = json.loads(out)["error"]
    assert (code, error["brief"], error["details"]) == (2, "a file cannot be published", "missing.deb is not there")
    assert error["resolution"]


def test_mistakes_are_told_together_and_nothing_is_begun(place: Place, tmp_path: Path) -> None:
    good = make_deb(tmp_path, "hello", "1.0")
    arguments = ("publish", str(good), "missing.deb", str(tmp_path), "--json")
    code, out, _err = finish(phoenix(place.directory, *arguments))
    error = json.loads(out)["error"]
    assert (code, error["code"]) == (2, 2)
    assert "missing.deb is not there" in error["details"]
    assert "is a directory" in error["details"]
    assert not place.root.path.exists()


def test_a_plan_changes_nothing(place: Place, tmp_path: Path) -> None:
    file = make_deb(tmp_path, "hello", "1.0")
    code, out, err = finish(phoenix(place.directory, "publish", str(file), "--plan", "--json"))
    assert code == 0, err
    assert [step["id"] for step in json.loads(out)["plan"]["steps"]] == [
        "snapshot-before",
        "add",
        "snapshot",
        "switch",
        "read-back",
    ]
    assert not place.root.path.exists()


def test_whoever_waits_too_long_is_told_for_whom(tmp_path: Path) -> None:
    root = Root(path=tmp_path / "aptly")
    clock = SystemClock()
    with locked(root, "write", holder="somebody (process 7)", clock=clock, deadline=1, say=print):
        with pytest.raises(RefusedError) as refused:
            with locked(root, "write", holder="me", clock=clock, deadline=0.2, say=print):
                pass
    assert "somebody (process 7)" in refused.value.details


def test_two_that_start_the_server_at_once_start_one(place: Place) -> None:
    runs = [phoenix(place.directory, "repository", "serve", "--json") for _number in range(3)]
    ended = [finish(run) for run in runs]
    assert [code for code, _out, _err in ended] == [0, 0, 0], ended
    server = serve.find(place.root)
    assert server is not None
    assert {json.loads(out)["repository"]["pid"] for _code, out, _err in ended} == {server.process.pid}
    assert len(servers_of(place.root.path)) == 1
    assert serve.stop(place.root)
    assert not serve.stop(place.root)
    with pytest.raises(httpx.ConnectError):
        httpx.get(place.url)


class Foreign(BaseHTTPRequestHandler):
    """A web server that knows nothing of us."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.mark.parametrize("talks", [True, False], ids=["web server", "silent"])
def test_a_port_that_another_program_has_is_refused(place: Place, tmp_path: Path, talks: bool) -> None:
    with TCPServer(("127.0.0.1", place.port), Foreign) as foreign:
        foreign.timeout = 20
        run = phoenix(place.directory, "publish", str(make_deb(tmp_path, "hello", "1.0")), "--json")
        if talks:
            foreign.handle_request()
        code, out, err = finish(run)
    assert code == 3, err
    error = json.loads(out)["error"]
    assert error["brief"] == f"port {place.port} is used by another program"
    assert "phoenix.yaml" in error["resolution"]
    assert not (place.root.path / "db").exists()


def test_the_server_shows_files_below_its_path_only(place: Place, tmp_path: Path) -> None:
    root = Root(path=tmp_path / "other")
    root.prepare()
    (root.path / "secret").write_text("secret")
    url = f"http://127.0.0.1:{free_port()}/deb"
    try:
        serve.ensure(root, url, clock=SystemClock(), say=print)
        status = {
            path: httpx.get(f"{url.removesuffix('/deb')}{path}").status_code
            for path in ("/deb/repository-id", "/repository-id", "/deb/", "/", "/deb/../secret", "/deb/%2e%2e/secret")
        }
        assert status == dict.fromkeys(status, 404) | {"/deb/repository-id": 200}
        other = f"{url}ian"
        serve.ensure(root, other, clock=SystemClock(), say=print)  # the same port, another path
        assert httpx.get(f"{other}/repository-id").status_code == 200
        stale = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
        assert httpx.get(f"{other}/repository-id", headers=stale).status_code == 200
    finally:
        serve.stop(root)


def test_the_servers_log_is_set_aside_when_it_is_large(tmp_path: Path) -> None:
    root = Root(path=tmp_path / "repository")
    root.prepare()
    url = f"http://127.0.0.1:{free_port()}"
    log = root.path / serve.LOG
    try:
        serve.ensure(root, url, clock=SystemClock(), say=print)
        os.truncate(log, serve.MOST_LOG)
        for _request in range(3):
            httpx.get(f"{url}/repository-id")
        former = log.with_name(f"{serve.LOG}.1")
        assert former.stat().st_size > serve.MOST_LOG
        assert log.read_text().count("GET /repository-id") == 2
    finally:
        serve.stop(root)
