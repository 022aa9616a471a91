"""The program by which a machine of AWS reads its secrets: its signature, its place in the boot script."""

from __future__ import annotations

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from phoenix.clouds.aws.machines import user_data
from phoenix.execute.boot_work import boot_script
from phoenix.model import ImageType, Release
from phoenix.tools.render import Renderer
from tests.support import secret_program

PROGRAM: Any = secret_program.module("aws")
KEYS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG", "Token": "IQoJb3JpZ2luX2Vj=="}
NOW = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)


def release(**settings: str) -> Release:
    return Release(image="i", image_ref="r", settings=tuple(settings.items()))


def script(made: Release) -> str:
    return boot_script(made, ImageType.IMMUTABLE, Renderer().render)


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1"])
@pytest.mark.parametrize("name", ["prod/db", "a+b=c@d.e-f_g"])
def test_it_signs_as_botocore_does(monkeypatch: pytest.MonkeyPatch, region: str, name: str) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_args: NOW)
    url, body = PROGRAM.endpoint(region), json.dumps({"SecretId": name}).encode()
    host = url.removeprefix("https://")
    ours = PROGRAM.signed(KEYS, region, host, body, "20260131T120000Z")
    sent = {name: ours[name] for name in ("content-type", "x-amz-target")}
    theirs = AWSRequest(method="POST", url=f"{url}/", data=body, headers=sent)
    credentials = Credentials(KEYS["AccessKeyId"], KEYS["SecretAccessKey"], KEYS["Token"])
    auth.SigV4Auth(credentials, "secretsmanager", region).add_auth(theirs)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours["x-amz-date"] == theirs.headers["X-Amz-Date"]
    assert ours["x-amz-security-token"] == theirs.headers["X-Amz-Security-Token"]


def test_each_region_has_its_endpoint_and_a_variable_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", raising=False)
    assert PROGRAM.endpoint("eu-west-1") == "https://secretsmanager.eu-west-1.amazonaws.com"
    assert PROGRAM.endpoint("us-gov-west-1") == "https://secretsmanager.us-gov-west-1.amazonaws.com"
    assert PROGRAM.endpoint("cn-north-1") == "https://secretsmanager.cn-north-1.amazonaws.com.cn"
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://vpce-1.example/")
    assert PROGRAM.endpoint("eu-west-1") == "https://vpce-1.example"


def test_the_boot_script_has_the_program_only_where_it_is_needed() -> None:
    without = script(release(GREETING="Hi", TOKEN="machine-file:/etc/token"))
    assert "python3" not in without
    text = script(release(GREETING="Hi", PASSWORD="aws-sm://prod/db#password", KEY="aws-sm://key"))
    assert secret_program.file("aws").read_text() in text
    assert "read_secrets PASSWORD prod/db password KEY key '' 2>&1 >> /etc/phoenix/settings.env" in text
    assert 'PASSWORD="' not in text
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_the_program_leaves_two_thirds_of_the_room_for_all_else() -> None:
    made = release(PASSWORD="aws-sm://prod/db#password")
    assert len(user_data.packed(script(made), made)) < user_data.LIMIT / 3


def test_a_machine_tells_on_its_console_which_secret_it_lacks(tmp_path: Path) -> None:
    """The whole script in a real shell, where nobody answers for AWS."""
    text = secret_program.hasty(script(release(GREETING="Hi", PASSWORD="aws-sm://prod/db")), 0)
    for path in ("/etc/phoenix", "/dev/console"):
        text = text.replace(path, f"{tmp_path}{path}")
    (tmp_path / "dev").mkdir()
    (tmp_path / "etc/phoenix").mkdir(parents=True)
    (tmp_path / "etc/phoenix/settings.env").touch(0o644)  # as an image may have it
    environment = {"PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"}
    ended = subprocess.run(["sh"], input=text, text=True, check=False, capture_output=True, env=environment)
    assert ended.returncode == 1
    console = (tmp_path / "dev" / "console").read_text()
    assert console.startswith("\nphoenix-boot: failed: exit code 1, at its secrets: aws-sm://prod/db: no answer from ")
    assert console.count("\n") == 2, "a line of its own, also where another program's line is not at its end"
    assert (tmp_path / "etc/phoenix/settings.env").stat().st_mode & 0o777 == 0o600
