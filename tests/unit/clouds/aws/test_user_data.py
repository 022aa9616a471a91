"""User data: what cloud-init would read of it, what comes back, and how much EC2 takes."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from email import message_from_string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.clouds.aws.machines import user_data
from phoenix.clouds.aws.machines.launch_templates import release_of
from phoenix.errors import RefusedError
from phoenix.model import Package, Release, Repository

SCRIPT = "#!/bin/sh\nset -e\necho 'hello = world'\n"
RELEASE = Release(
    image="shop-foundation-web-0123456789ab",
    image_ref="foundation/web@0123456789ab",
    packages=(Package(name="web", version="1.2", sha256="0" * 64, repository="main"),),
    settings=(("GREETING", "Grüße =\n2 lines"),),
    repositories=(Repository(name="main", url="http://apt.example.com", distribution="stable", key="-----BEGIN\n"),),
)


def parts(packed: bytes) -> dict[str, str]:
    """As cloud-init takes them apart: it reads the message from text, and decodes each part."""
    message = message_from_string(gzip.decompress(packed).decode())
    assert message.is_multipart()
    found = {}
    for part in message.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found[part.get_content_type()] = payload.decode()
    return found


def test_cloud_init_gets_the_script_and_a_file_with_the_release() -> None:
    found = parts(user_data.packed(SCRIPT, RELEASE))
    assert found["text/x-shellscript"] == SCRIPT
    config = found["text/cloud-config"]
    assert config.startswith("#cloud-config\n")
    (file,) = json.loads(config.removeprefix("#cloud-config\n"))["write_files"]
    assert file["path"] == "/etc/phoenix/release.json"
    assert json.loads(file["content"])["settings"] == [["GREETING", "Grüße =\n2 lines"]]


@given(
    script=st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=300),
    values=st.lists(st.tuples(st.text(), st.text()), max_size=5),
)
def test_a_release_comes_back_whatever_is_in_it(script: str, values: list[tuple[str, str]]) -> None:
    release = replace(RELEASE, settings=tuple(values))
    assert user_data.release_of(user_data.packed(script, release)) == release


def test_the_same_work_has_the_same_bytes() -> None:
    assert user_data.packed(SCRIPT, RELEASE) == user_data.packed(SCRIPT, RELEASE)


@pytest.mark.parametrize("script", [SCRIPT, "#!/bin/sh\necho 'Grüße, 世界 = 1'\n" + "x" * 2000 + "\n"])
def test_a_script_arrives_to_the_letter(script: str) -> None:
    assert parts(user_data.packed(script, RELEASE))["text/x-shellscript"] == script


def noise(count: int) -> str:
    """Text that nothing makes smaller."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(random.Random(1).choices(letters, k=count))


def test_too_much_is_refused_and_it_is_said_what_is_large() -> None:
    release = replace(RELEASE, settings=(("BLOB", noise(30_000)),))
    with pytest.raises(RefusedError, match="too big for AWS") as error:
        user_data.packed(SCRIPT, release)
    assert "EC2 takes 16,384" in error.value.details
    assert "settings 30,004" in error.value.details


def test_what_just_fits_is_taken() -> None:
    release = replace(RELEASE, settings=(("BLOB", noise(20_000)),))
    assert 14_000 < len(user_data.packed(SCRIPT, release)) <= user_data.LIMIT


@pytest.mark.parametrize(
    "foreign", [b"", b"#!/bin/sh\n", gzip.compress(b"#!/bin/sh\n", mtime=0), b"\x1f\x8b\x08\x00cut"]
)
def test_user_data_of_somebody_else_hold_no_release(foreign: bytes) -> None:
    assert user_data.release_of(foreign) is None


@pytest.mark.parametrize("config", ["", "[]", '{"write_files": 1}', '{"write_files": [{"path": "/etc/hosts"}]}', "{"])
def test_other_cloud_config_holds_no_release(config: str) -> None:
    message = f"MIME-Version: 1.0\nContent-Type: text/cloud-config\n\n#cloud-config\n{config}"
    assert user_data.release_of(gzip.compress(message.encode())) is None


def test_what_is_not_even_base64_holds_no_release() -> None:
    assert release_of("§") is None
