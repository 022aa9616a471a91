"""The program by which a machine of Google Cloud reads its secrets: where it asks, its place in the boot script."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.gcp.machines import boot
from phoenix.execute.boot_work import boot_script
from phoenix.model import ImageType, Release
from phoenix.tools.render import Renderer
from tests.support import secret_program

PROGRAM: Any = secret_program.module("gcp")


def release(**settings: str) -> Release:
    return Release(image="i", image_ref="r", settings=tuple(settings.items()))


def script(made: Release) -> str:
    return boot_script(made, ImageType.IMMUTABLE, Renderer().render)


def test_it_asks_google_and_a_variable_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", raising=False)
    assert PROGRAM.endpoint() == "https://secretmanager.googleapis.com"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", "https://secrets.example/")
    assert PROGRAM.endpoint() == "https://secrets.example"


def test_the_boot_script_has_the_program_only_where_it_is_needed() -> None:
    assert "python3" not in script(release(GREETING="Hi", TOKEN="file:/etc/token"))
    text = script(release(GREETING="Hi", PASSWORD="gcp-sm://prod-db#password", KEY="gcp-sm://key"))
    assert secret_program.file("gcp").read_text() in text
    assert "read_secrets PASSWORD prod-db password KEY key '' 2>&1 >> /etc/phoenix/settings.env" in text
    assert 'PASSWORD="' not in text
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_the_metadata_hold_what_it_is_called_and_take_the_program_easily() -> None:
    made = release(PASSWORD="gcp-sm://prod-db#password")
    items = boot.metadata(script(made), made)
    assert sum(map(len, items.values())) < boot.LIMIT / 10
    assert boot.release_of([{"key": key, "value": value} for key, value in items.items()]) == made


def test_a_machine_tells_on_its_console_which_secret_it_lacks(tmp_path: Path) -> None:
    """The whole script in a real shell, where nobody answers for Google."""
    text = secret_program.hasty(script(release(GREETING="Hi", PASSWORD="gcp-sm://prod-db")), 0)
    for path in ("/etc/phoenix", "/dev/console"):
        text = text.replace(path, f"{tmp_path}{path}")
    (tmp_path / "dev").mkdir()
    (tmp_path / "etc/phoenix").mkdir(parents=True)
    (tmp_path / "etc/phoenix/settings.env").touch(0o644)  # as an image may have it
    environment = {"PATH": "/usr/bin:/bin", "GCE_METADATA_HOST": "127.0.0.1:9"}
    ended = subprocess.run(["sh"], input=text, text=True, check=False, capture_output=True, env=environment)
    assert ended.returncode == 1
    console = (tmp_path / "dev" / "console").read_text()
    assert console.startswith("\nphoenix-boot: failed: exit code 1, at its secrets: gcp-sm://prod-db: no answer from ")
    assert console.count("\n") == 2, "a line of its own, also where another program's line is not at its end"
    assert (tmp_path / "etc/phoenix/settings.env").stat().st_mode & 0o777 == 0o600
