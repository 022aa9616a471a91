"""A machine reads its secrets: the program of the boot script, with a metadata service and a Secrets Manager here."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phoenix.execute.boot_work import boot_script
from phoenix.model import ImageType, Release
from phoenix.tools.render import Renderer
from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import client
from tests.emulators.aws.imds import Facts, answering
from tests.emulators.aws.machines import Launch
from tests.emulators.machines.metadata import Service
from tests.support import secret_program

PROFILE = "arn:aws:iam::123456789012:instance-profile/web"
VALUE = 'it\'s "q" \\back\\ $HOME `id` é✓ \ttab\n  second line\n'
DOCUMENT = json.dumps({"password": VALUE, "port": 5432})
NAME = "prod/db"


@contextmanager
def metadata(port: int = 0, *, profile: str = PROFILE) -> Iterator[int]:
    """The metadata service of a machine with this profile; its port."""
    launch = Launch(id="i-1", image="ami-1", profile=profile, tokens_only=True)
    listener = socket.create_server(("127.0.0.1", port))
    service = Service(listener, answering(Facts(launch=launch, address="127.64.0.1", mac="02:00:00:00:00:01")))
    try:
        yield int(listener.getsockname()[1])
    finally:
        service.close()


@pytest.fixture
def manager(emulator: Emulator) -> Any:
    """Secrets Manager, as whoever keeps the secrets calls it."""
    made = client(emulator.url, "secretsmanager")
    made.create_secret(Name=NAME, SecretString=DOCUMENT)
    return made


@pytest.fixture
def environment(emulator: Emulator, manager: Any) -> Iterator[dict[str, str]]:
    """What the program finds around it on a machine with an instance profile."""
    with metadata() as port:
        yield surroundings(emulator, port)


def surroundings(emulator: Emulator, port: int) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}/",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": emulator.url,
    }


def test_a_whole_secret_and_its_keys_by_one_call(emulator: Emulator, environment: dict[str, str]) -> None:
    emulator.forget_calls()
    done = secret_program.run("ALL", NAME, "", "PORT", NAME, "port", cloud="aws", environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b'\nPORT="5432"\n')
    (call,) = emulator.calls()
    assert (call.service, call.action, call.region) == ("secretsmanager", "GetSecretValue", "eu-west-1")


@pytest.mark.parametrize("reference", [f"{NAME}#password", "plain"])
def test_the_boot_script_writes_the_very_value(
    manager: Any, environment: dict[str, str], tmp_path: Path, reference: str
) -> None:
    """Read back by a shell: between double quotes it takes what systemd takes (systemd.exec, EnvironmentFile=)."""
    manager.create_secret(Name="plain", SecretString=VALUE)
    settings = (("GREETING", "Hi"), ("PASSWORD", f"aws-sm://{reference}"))
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
    settings: tuple[tuple[str, str], ...], environment: dict[str, str], tree: Path, deadline: float = 5.0
) -> tuple[subprocess.CompletedProcess[bytes], str]:
    """The boot script of an immutable machine, run with `tree` in the place of its disk; and its text."""
    release = Release(image="i", image_ref="r", settings=settings)
    text = secret_program.hasty(boot_script(release, ImageType.IMMUTABLE, Renderer().render), deadline)
    for path in ("/etc/phoenix", "/dev/console"):
        text = text.replace(path, f"{tree}{path}")
    (tree / "etc").mkdir()
    (tree / "dev").mkdir()
    return subprocess.run(["sh"], input=text.encode(), capture_output=True, env=environment, check=False), text


def test_one_that_is_not_there_ends_the_boot_and_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    settings = (("A", f"aws-sm://{NAME}#password"), ("B", "aws-sm://prod/none"))
    ended, _text = booted(settings, environment, tmp_path)
    assert ended.returncode == 1
    said = "aws-sm://prod/none: ResourceNotFoundException"
    assert (ended.stdout, ended.stderr.decode()) == (b"", f"{said}\n")
    console = (tmp_path / "dev/console").read_text()
    assert console == f"\nphoenix-boot: failed: exit code 1, at its secrets: {said}\n"
    assert "PASSWORD" not in (tmp_path / "etc/phoenix/settings.env").read_text()


def test_one_that_the_machine_may_not_read(emulator: Emulator, environment: dict[str, str]) -> None:
    emulator.fail("secretsmanager", "GetSecretValue", code="AccessDeniedException", message="who are you", times=9)
    emulator.forget_calls()
    done = secret_program.run("A", NAME, "", cloud="aws", environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"aws-sm://prod/db: AccessDeniedException\n")
    assert len(emulator.calls()) == 1, "this is not asked again"


def test_a_key_that_is_not_there(environment: dict[str, str]) -> None:
    done = secret_program.run("PORT", NAME, "port", "A", NAME, "Password", cloud="aws", environment=environment)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"aws-sm://prod/db#Password: it has no such key\n"


def test_bytes_and_deleted_ones_are_no_settings(manager: Any, environment: dict[str, str]) -> None:
    manager.create_secret(Name="bytes", SecretBinary=b"\0\1")
    manager.create_secret(Name="gone", SecretString="x")
    manager.delete_secret(SecretId="gone", RecoveryWindowInDays=7)
    done = secret_program.run("A", "bytes", "", cloud="aws", environment=environment)
    assert (done.returncode, done.stderr) == (1, b"aws-sm://bytes: it has no text (SecretString)\n")
    done = secret_program.run("A", "gone", "", cloud="aws", environment=environment)
    assert (done.returncode, done.stderr) == (1, b"aws-sm://gone: InvalidRequestException\n")


@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 400), ("InternalServiceError", 500), ("UnrecognizedClientException", 400)],
)
def test_what_passes_is_waited_for(emulator: Emulator, environment: dict[str, str], code: str, status: int) -> None:
    emulator.fail("secretsmanager", "GetSecretValue", code=code, status=status, times=2)
    done = secret_program.run("PORT", NAME, "port", cloud="aws", environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'PORT="5432"\n', b"")


def test_what_does_not_pass_is_told_at_the_deadline(emulator: Emulator, environment: dict[str, str]) -> None:
    emulator.fail("secretsmanager", "GetSecretValue", code="ThrottlingException", times=99)
    done = secret_program.run("PORT", NAME, "port", cloud="aws", environment=environment, deadline=0.3)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"aws-sm://prod/db: ThrottlingException (asked for 0 s)\n"


def test_a_lost_answer_is_asked_for_again(emulator: Emulator, environment: dict[str, str]) -> None:
    emulator.fail("secretsmanager", "GetSecretValue", lost=True, code="lost")
    done = secret_program.run("PORT", NAME, "port", cloud="aws", environment=environment)
    assert (done.returncode, done.stdout) == (0, b'PORT="5432"\n')


def test_credentials_that_come_late_are_waited_for(emulator: Emulator, manager: Any) -> None:
    """No profile at first, then nobody who answers, then both."""
    text = secret_program.hasty(secret_program.file("aws").read_text(), 20.0)
    argv = [sys.executable, "-I", "-", "PORT", NAME, "port"]
    with metadata(profile="") as port:
        around = surroundings(emulator, port)
        program = subprocess.Popen(argv, env=around, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert program.stdin
        program.stdin.write(text.encode())
        program.stdin.close()
        program.stdin = None
        time.sleep(0.6)
        assert program.poll() is None
    time.sleep(0.2)
    with metadata(port):
        said, _nothing = program.communicate(timeout=20)
    assert (program.returncode, said) == (0, b'PORT="5432"\n')


def test_a_machine_without_a_profile_is_told_so(emulator: Emulator, manager: Any) -> None:
    with metadata(profile="") as port:
        done = secret_program.run("A", NAME, "", cloud="aws", environment=surroundings(emulator, port), deadline=0.2)
    assert done.returncode == 1
    assert b"aws-sm://prod/db: the metadata service answers 404 to meta-data/iam/security-credentials/" in done.stderr
    assert b"has the machine an instance profile?" in done.stderr
