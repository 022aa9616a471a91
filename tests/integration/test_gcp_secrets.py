"""A machine reads its secrets: the program of the boot script, with a metadata server and a Secret Manager here."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from phoenix.clouds.gcp.calls import Calls
from phoenix.execute.boot_work import boot_script
from phoenix.model import ImageType, Release
from phoenix.spec.clouds import GcpCloud
from phoenix.tools.render import Renderer
from tests.emulators.gcp import Emulator, metadata
from tests.emulators.gcp.machines import Launch
from tests.emulators.gcp.metadata import Facts
from tests.emulators.machines.metadata import Answer, Answering, Service
from tests.support import secret_program

ACCOUNT, PROJECT = "web@acme-prod.iam.gserviceaccount.com", "acme-prod"
VALUE = 'it\'s "q" \\back\\ $HOME `id` é✓ \ttab\n  second line\n'
DOCUMENT = json.dumps({"password": VALUE, "port": 5432})
NAME = "prod-db"
ASKED = re.compile(rf"/v1/projects/{PROJECT}/secrets/([A-Za-z0-9_-]+)/versions/latest:access")


@dataclass
class Manager:
    """Secret Manager: it answers whoever bears the token of the machine's service account, and remembers who asked.

    https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
    """

    secrets: dict[str, bytes] = field(default_factory=lambda: {NAME: DOCUMENT.encode()})
    faults: list[tuple[int, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __call__(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append(path)
        found = ASKED.fullmatch(path)
        if method != "GET" or not found or "content-length" in headers:
            return self.refused(400, "INVALID_ARGUMENT")
        if headers.get("authorization") != f"Bearer ya29.emulated.{ACCOUNT}":
            return self.refused(401, "UNAUTHENTICATED")
        if self.faults:
            status, body = self.faults.pop(0)
            return Answer(status=status, body=body)
        if found[1] not in self.secrets:
            return self.refused(404, "NOT_FOUND")
        payload = {"data": base64.b64encode(self.secrets[found[1]]).decode(), "dataCrc32c": "1"}
        return Answer(status=200, body=json.dumps({"name": path, "payload": payload}).encode())

    def refused(self, status: int, kind: str) -> Answer:
        return Answer(status=status, body=said(status, kind))


def said(status: int, kind: str) -> bytes:
    """As Google writes an error."""
    return json.dumps({"error": {"code": status, "message": "who are you", "status": kind}}).encode()


@contextmanager
def listening(answering: Answering, port: int = 0) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", port))
    service = Service(listener, answering)
    try:
        yield int(listener.getsockname()[1])
    finally:
        service.close()


@contextmanager
def machine(port: int = 0, *, account: str = ACCOUNT) -> Iterator[int]:
    """The metadata server of a machine with this service account; its port."""
    launch = Launch(id="4711", image="image", project=PROJECT, service_account=account)
    facts = Facts(launch=launch, address="127.64.0.1", mac="02:00:00:00:00:01")
    with listening(lambda method, path, headers: metadata.answer(facts, method, path, headers), port) as at:
        yield at


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def secrets(manager: Manager) -> Iterator[int]:
    with listening(manager) as port:
        yield port


@pytest.fixture
def environment(secrets: int) -> Iterator[dict[str, str]]:
    """What the program finds around it on a machine with a service account."""
    with machine() as port:
        yield surroundings(secrets, port)


def surroundings(secrets: int, port: int) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "GCE_METADATA_HOST": f"127.0.0.1:{port}",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"http://127.0.0.1:{secrets}/",
    }


def run(*words: str, environment: Mapping[str, str], deadline: float = 5.0) -> subprocess.CompletedProcess[bytes]:
    return secret_program.run(*words, cloud="gcp", environment=environment, deadline=deadline)


def test_a_whole_secret_and_its_keys_by_one_call(manager: Manager, environment: dict[str, str]) -> None:
    done = run("ALL", NAME, "", "PORT", NAME, "port", environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b'\nPORT="5432"\n')
    assert manager.asked == ["/v1/projects/acme-prod/secrets/prod-db/versions/latest:access"]


@pytest.mark.parametrize("reference", [f"{NAME}#password", "plain"])
def test_the_boot_script_writes_the_very_value(
    manager: Manager, environment: dict[str, str], tmp_path: Path, reference: str
) -> None:
    """Read back by a shell: between double quotes it takes what systemd takes (systemd.exec, EnvironmentFile=)."""
    manager.secrets["plain"] = VALUE.encode()
    settings = (("GREETING", "Hi"), ("PASSWORD", f"gcp-sm://{reference}"))
    ended, text = booted(settings, environment, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    file = tmp_path / "etc/phoenix/settings.env"
    assert file.stat().st_mode & 0o777 == 0o600
    read = subprocess.run(["sh", "-c", f'. {file}; printf %s "$PASSWORD"'], capture_output=True, check=True)
    assert read.stdout.decode() == VALUE
    assert file.read_text().startswith('GREETING="Hi"\nPHOENIX_RELEASE=')
    assert "second line" not in text
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def booted(
    settings: tuple[tuple[str, str], ...], environment: dict[str, str], tree: Path
) -> tuple[subprocess.CompletedProcess[bytes], str]:
    """The boot script of an immutable machine, run with `tree` in the place of its disk; and its text."""
    release = Release(image="i", image_ref="r", settings=settings)
    text = secret_program.hasty(boot_script(release, ImageType.IMMUTABLE, Renderer().render), 5.0)
    for path in ("/etc/phoenix", "/dev/console"):
        text = text.replace(path, f"{tree}{path}")
    (tree / "etc").mkdir()
    (tree / "dev").mkdir()
    return subprocess.run(["sh"], input=text.encode(), capture_output=True, env=environment, check=False), text


def test_one_that_is_not_there_ends_the_boot_and_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    settings = (("A", f"gcp-sm://{NAME}#password"), ("B", "gcp-sm://none"))
    ended, _text = booted(settings, environment, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, b"", b"gcp-sm://none: NOT_FOUND\n")
    console = (tmp_path / "dev/console").read_text()
    assert console == "\nphoenix-boot: failed: exit code 1, at its secrets: gcp-sm://none: NOT_FOUND\n"
    assert "PASSWORD" not in (tmp_path / "etc/phoenix/settings.env").read_text()


def test_one_that_the_machine_may_not_read(manager: Manager, environment: dict[str, str]) -> None:
    manager.faults = [(403, said(403, "PERMISSION_DENIED"))] * 9
    done = run("A", NAME, "", environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"gcp-sm://prod-db: PERMISSION_DENIED\n")
    assert len(manager.asked) == 1, "this is not asked again"


def test_a_key_that_is_not_there(environment: dict[str, str]) -> None:
    done = run("PORT", NAME, "port", "A", NAME, "Password", environment=environment)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"gcp-sm://prod-db#Password: it has no such key\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"payload": null}',
        b'{"payload": {"data": "%%%"}}',
        b'{"payload": {"data": 5}}',
        b'{"payload": {"data": "' + base64.b64encode(b"\xff\xfe") + b'"}}',
    ],
)
def test_what_is_no_text_is_no_setting(manager: Manager, environment: dict[str, str], answer: bytes) -> None:
    manager.faults = [(200, answer)]
    done = run("A", NAME, "", environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"gcp-sm://prod-db: it has no text\n")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (503, "UNAVAILABLE"), (401, "UNAUTHENTICATED")],
)
def test_what_passes_is_waited_for(manager: Manager, environment: dict[str, str], status: int, kind: str) -> None:
    manager.faults = [(status, said(status, kind)), (status, b"<html>")]
    done = run("PORT", NAME, "port", environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'PORT="5432"\n', b"")
    assert len(manager.asked) == 3


def test_what_does_not_pass_is_told_at_the_deadline(manager: Manager, environment: dict[str, str]) -> None:
    manager.faults = [(429, said(429, "RESOURCE_EXHAUSTED"))] * 99
    done = run("PORT", NAME, "port", environment=environment, deadline=0.3)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"gcp-sm://prod-db: RESOURCE_EXHAUSTED (asked for 0 s)\n"


def test_an_account_that_comes_late_is_waited_for(secrets: int) -> None:
    """No account at first, then nobody who answers, then both."""
    text = secret_program.hasty(secret_program.file("gcp").read_text(), 20.0)
    argv = [sys.executable, "-I", "-", "PORT", NAME, "port"]
    with machine(account="") as port:
        around = surroundings(secrets, port)
        program = subprocess.Popen(argv, env=around, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert program.stdin
        program.stdin.write(text.encode())
        program.stdin.close()
        program.stdin = None
        time.sleep(0.6)
        assert program.poll() is None
    time.sleep(0.2)
    with machine(port):
        told, _nothing = program.communicate(timeout=20)
    assert (program.returncode, told) == (0, b'PORT="5432"\n')


def test_a_machine_without_an_account_is_told_so(secrets: int) -> None:
    with machine(account="") as port:
        done = run("A", NAME, "", environment=surroundings(secrets, port), deadline=0.2)
    assert done.returncode == 1
    assert b"gcp-sm://prod-db: the metadata service answers 404 to instance/service-accounts/default/" in done.stderr
    assert b"has the machine a service account?" in done.stderr


def test_the_metadata_server_is_never_asked_through_a_proxy(environment: dict[str, str]) -> None:
    """Its answer is a token. Secret Manager may be: there TLS speaks."""
    around = {**environment, "http_proxy": "http://127.0.0.1:9", "no_proxy": environment["GCE_METADATA_HOST"][:3]}
    done = run("PORT", NAME, "port", environment=around, deadline=0.2)
    assert done.returncode == 1
    assert b"no answer from 127.0.0.1:" in done.stderr
    assert environment["GCE_METADATA_HOST"].encode() not in done.stderr


def test_by_its_own_name_behind_a_proxy_and_an_authority(gcp: Emulator) -> None:
    """The emulator's Secret Manager, written by somebody else, is asked at Google's own name, by TLS."""
    gcp.secret(NAME, DOCUMENT)
    world = gcp.world()
    token = json.dumps({"access_token": Calls(GcpCloud(name="gcp", project=world.project, region="r")).token()})

    def answering(_method: str, path: str, _headers: Mapping[str, str]) -> Answer:
        return Answer(status=200, body=(token if path.endswith("/token") else world.project).encode())

    with listening(answering) as port:
        found = {name: gcp.environment[name] for name in ("HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")}
        around = {**found, "GCE_METADATA_HOST": f"127.0.0.1:{port}"}
        done = run("PORT", NAME, "port", environment=around)
        lack = run("A", "none", "", environment=around)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'PORT="5432"\n', b"")
    assert (lack.returncode, lack.stderr) == (1, b"gcp-sm://none: NOT_FOUND\n")
