"""What `phoenix init` writes works: the file is right, the package builds, the service runs and ends gracefully."""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli.app import run
from phoenix.spec.clouds import LocalCloud
from phoenix.spec.load import load
from phoenix.spec.services import BlueGreen, LocalBalancer

FILES = {
    ".gitignore",
    "hello/Makefile",
    "hello/package/control",
    "hello/package/hello.service",
    "hello/package/postinst",
    "hello/package/postrm",
    "hello/package/prerm",
    "hello/server.js",
    "phoenix.yaml",
    "playbooks/nodejs.yml",
}


def init(directory: Path, capsys: pytest.CaptureFixture[str], *, code: int = 0) -> dict[str, Any]:
    assert run(["init", str(directory), "--json"]) == code
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    init(tmp_path / "shop", capsys)
    return tmp_path / "shop"


def test_everything_is_written_and_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = init(tmp_path / "new" / "shop", capsys)
    directory = tmp_path / "new" / "shop"
    assert set(said["files"]) == FILES
    assert {str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file()} == FILES
    project = load(directory / "phoenix.yaml", {})
    assert project.name == "shop"
    assert [type(cloud) for cloud in project.clouds.values()] == [LocalCloud]
    assert [str(image) for image in project.recipes] == ["os/debian-12", "foundation/nodejs", "immutable/hello"]
    local = project.services["web-tier"].environments["local"]
    assert local.strategy == BlueGreen(keep=1800)
    assert local.load_balancer == LocalBalancer(listen=f"127.0.0.1:{said['ports']['service']}")
    assert project.repositories["main"].url == f"http://127.0.0.1:{said['ports']['repository']}"


def test_into_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    said = capsys.readouterr().out
    assert "cd " not in said
    assert "phoenix bake foundation nodejs" in said
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert run(["validate"]) == 0


@pytest.mark.parametrize("name", ["phoenix.yaml", "hello/server.js", ".gitignore"])
def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    said = init(tmp_path, capsys, code=3)
    assert said["error"]["details"] == name
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [file]
    assert file.read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "phoenix.yaml").symlink_to(tmp_path / "elsewhere")
    init(tmp_path, capsys, code=3)
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    said = init(tmp_path / "file" / "below", capsys, code=2)
    assert "Not a directory" in said["error"]["details"]


@pytest.mark.parametrize(("name", "project"), [("My Shop!", "my-shop"), ("2024", "hello"), ("x" * 40, "x" * 26)])
def test_the_project_is_called_like_its_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, project: str
) -> None:
    init(tmp_path / name, capsys)
    assert load(tmp_path / name / "phoenix.yaml", {}).name == project


def test_ports_in_use_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = init(tmp_path / "shop", capsys)["ports"]
    for file in sorted((tmp_path / "shop").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    with socket.create_server(("127.0.0.1", first["service"])):
        second = init(tmp_path / "shop", capsys)["ports"]
    assert second["service"] != first["service"]
    assert second["repository"] == first["repository"]


def make_deb(directory: Path, version: str, umask: int = 0o022) -> Path:
    argv = ["make", "-C", str(directory), "deb", f"VERSION={version}"]
    subprocess.run(argv, check=True, capture_output=True, timeout=60, umask=umask)
    return directory / f"hello_{version}_all.deb"


def test_the_package_has_the_same_bytes_wherever_it_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = set()
    for name, umask in (("one", 0o022), ("another", 0o077)):
        init(tmp_path / name, capsys)
        for _time in range(2):
            deb = make_deb(tmp_path / name / "hello", "1.2.3", umask)
            digests.add(hashlib.sha256(deb.read_bytes()).hexdigest())
        os.utime(tmp_path / name / "hello" / "server.js", (1, 1))
    assert len(digests) == 1


def test_what_is_in_the_package(shop: Path) -> None:
    deb = make_deb(shop / "hello", "1.2.3")
    fields = subprocess.run(["dpkg-deb", "-f", deb], check=True, capture_output=True, text=True, timeout=60).stdout
    assert {"Package: hello", "Version: 1.2.3", "Architecture: all", "Depends: nodejs"} <= set(fields.splitlines())
    listing = subprocess.run(["dpkg-deb", "-c", deb], check=True, capture_output=True, text=True, timeout=60).stdout
    lines = [line.split() for line in listing.splitlines()]
    assert {line[1] for line in lines} == {"root/root"}
    assert {line[0] for line in lines} == {"drwxr-xr-x", "-rw-r--r--"}
    assert "./usr/lib/systemd/system/hello.service" in {line[-1] for line in lines}


@contextmanager
def hello(directory: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The service as its unit starts it; the process and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), **settings}
    argv = ["node", str(directory / "server.js")]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "listens on port" in process.stdout.readline()
            yield process, port
        finally:
            process.kill()


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = (response.status, response.read().decode())
    connection.close()
    return answer


def test_the_service_answers(shop: Path, tmp_path: Path) -> None:
    deb = make_deb(shop / "hello", "1.2.3")
    subprocess.run(["dpkg-deb", "-x", deb, tmp_path / "root"], check=True, timeout=60)
    with hello(tmp_path / "root" / "usr" / "lib" / "hello", GREETING="Good day") as (_process, port):
        assert get(port, "/healthz") == (200, "ok\n")
        assert get(port, "/") == (200, f"Good day from hello 1.2.3 on {socket.gethostname()}\n")
        assert get(port, "/elsewhere")[0] == 404


def test_the_service_finishes_open_requests_before_it_ends(shop: Path) -> None:
    with hello(shop / "hello") as (process, port):
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            get(port, "/healthz")  # answered, so what was sent before it has arrived as well
            process.send_signal(signal.SIGTERM)
            assert process.stdout is not None
            assert "stopping" in process.stdout.readline()
            with pytest.raises(ConnectionRefusedError):
                get(port, "/healthz")
            assert process.poll() is None
            connection.sendall(b"\r\n")
            response = connection.makefile("rb").read().decode()
        assert response.startswith("HTTP/1.1 200 OK\r\n")
        assert "Connection: close\r\n" in response
        assert process.wait(timeout=10) == 0
        idle.close()
