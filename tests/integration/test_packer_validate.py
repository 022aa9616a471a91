"""The real Packer on what phoenix renders: all nine templates, the quoting filter, and mistakes."""

from __future__ import annotations

import json
import subprocess
import unicodedata
from pathlib import Path

import pytest

from phoenix.cli.app import run
from phoenix.errors import SpecError, ToolError
from phoenix.tools import packer
from phoenix.tools.render import hcl

IMAGES = ("os debian-12", "foundation nodejs", "immutable hello")
CLOUDS = """\
clouds:
  local: {kind: local}
  gcp: {kind: gcp, project: acme-prod, region: us-central1, network: default}
  aws: {kind: aws, region: eu-west-1, subnets: [subnet-a, subnet-b]}
"""
BASES = '{local: bookworm, gcp: debian-cloud/debian-12, aws: "136693071363/debian-12-amd64-*"}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert run(["init", str(tmp_path / "hello")]) == 0
    return tmp_path / "hello"


def render(project: Path, image: str, cloud: str) -> Path:
    out = project.parent / "out" / f"{cloud}-{image.replace(' ', '-')}"
    assert run(["-C", str(project), "render", *image.split(), "--cloud", cloud, "--out", str(out)]) == 0
    return out


def with_every_cloud(project: Path) -> None:
    file = project / "phoenix.yaml"
    lines = file.read_text().splitlines(keepends=True)
    at = lines.index("clouds:\n")
    assert lines[at + 1].startswith("  local:")
    text = "".join([*lines[:at], CLOUDS, *lines[at + 2 :]])
    assert "base: {local: bookworm}" in text
    file.write_text(text.replace("base: {local: bookworm}", f"base: {BASES}"))


@pytest.mark.parametrize("cloud", ["local", "gcp", "aws"])
@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("known", [True, False], ids=["in the file", "a kind only"])
def test_packer_accepts_the_template(project: Path, image: str, cloud: str, known: bool) -> None:
    if known:
        with_every_cloud(project)
    workspace = render(project, image, cloud)
    packer.validate(workspace)
    formatted = subprocess.run(["packer", "fmt", "-check", "-diff", str(workspace)], capture_output=True, check=False)
    assert (formatted.returncode, formatted.stdout) == (0, b"")


AWS_KEYS = {
    "every key": 'tags: {team: web, cost centre: "${TEAM}"}, '
    "builder: {type: m7g.large, disk: 20G, profile: ci, subnet: subnet-z, firewall: [sg-1], reach: ssm, spot: true, "
    "tenancy: dedicated}, images: {kms: alias/shop, deprecate_after: 90d, architecture: arm64}",
    "private": "builder: {reach: private}, images: {encrypt: false}",
}


@pytest.mark.parametrize("keys", AWS_KEYS)
@pytest.mark.parametrize("image", IMAGES)
def test_packer_accepts_every_key_of_aws(project: Path, image: str, keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "a.b:c/d=e+f-g@h_i")
    with_every_cloud(project)
    file = project / "phoenix.yaml"
    file.write_text(file.read_text().replace("subnet-b]}", f"subnet-b], {AWS_KEYS[keys]}}}"))
    workspace = render(project, image, "aws")
    packer.validate(workspace)
    formatted = subprocess.run(["packer", "fmt", "-check", "-diff", str(workspace)], capture_output=True, check=False)
    assert (formatted.returncode, formatted.stdout) == (0, b"")


GCP_KEYS = {
    "every key": "subnetwork: web, host_project: acme-network, impersonate: ci@acme.iam.gserviceaccount.com, "
    'tags: {team: web, cost-centre: "${TEAM}"}, secure_boot: true, builder: {type: n2-standard-4, disk: 20G, '
    "disk_type: pd-ssd, zone: us-central1-f, public_ip: false, iap: true, identity: b@acme.iam.gserviceaccount.com, "
    "scopes: [https://www.googleapis.com/auth/devstorage.read_only], firewall: [ssh], spot: true, "
    "max_run_duration: 1h, kms: KEY}, images: {family: acme, kms: KEY, locations: [eu], features: [GVNIC]}",
    "private": "builder: {public_ip: false}",
}


@pytest.mark.parametrize("keys", GCP_KEYS)
@pytest.mark.parametrize("image", IMAGES)
def test_packer_accepts_every_key_of_google(
    project: Path, image: str, keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the value of a key that it does not know: it is left out, and whoever bakes is told."""
    monkeypatch.setenv("TEAM", "a-b_c-1")
    with_every_cloud(project)
    file = project / "phoenix.yaml"
    told = GCP_KEYS[keys].replace("KEY", "projects/acme/locations/us/keyRings/images/cryptoKeys/one")
    text = file.read_text()
    assert "network: default}" in text
    file.write_text(text.replace("network: default}", f"{told}}}"))
    workspace = render(project, image, "gcp")
    packer.validate(workspace)
    formatted = subprocess.run(["packer", "fmt", "-check", "-diff", str(workspace)], capture_output=True, check=False)
    assert (formatted.returncode, formatted.stdout) == (0, b"")


def test_the_plugins_are_named_apart_and_formatted(project: Path) -> None:
    workspace = render(project, IMAGES[0], "aws")
    assert "required_plugins" not in (workspace / "image.pkr.hcl").read_text()
    plugins = workspace / "plugins"
    assert 'source  = "github.com/hashicorp/amazon"' in (plugins / "plugins.pkr.hcl").read_text()
    subprocess.run(["packer", "fmt", "-check", str(plugins)], check=True)


NASTY = (
    'quote " backslash \\ newline \n tab \t',
    "${env.HOME} $${x} $$${y} %{if true} %%{z} $ % {",
    'break"\n}\nvariable "evil" {\n  default = "',
    "nul \0 bell \x07 \u2028 \u202e \U000e0001",
    "Grüße, 日本, 😀",
    "",
    "ends in $",
)


def test_packer_reads_back_the_text_that_went_through_the_filter(tmp_path: Path) -> None:
    """Packer itself normalises text to NFC; beyond that it is the same."""
    variables = "".join(
        f'variable "v{number}" {{\n  type = string\n  default = {hcl(text)}\n}}\n' for number, text in enumerate(NASTY)
    )
    values = ", ".join(f"v{number} = var.v{number}" for number in range(len(NASTY)))
    manifest = tmp_path / "manifest.json"
    (tmp_path / "x.pkr.hcl").write_text(
        variables
        + 'source "null" "x" {\n  communicator = "none"\n}\n'
        + 'build {\n  sources = ["source.null.x"]\n'
        + f'  post-processor "manifest" {{\n    output = {hcl(str(manifest))}\n'
        + f"    custom_data = {{ {values} }}\n  }}\n}}\n"
    )
    log = tmp_path / "log"
    packer.build(tmp_path, None, log=log, say=lambda _text: None, timeout=60)
    read = json.loads(manifest.read_text())["builds"][0]["custom_data"]
    assert [read[f"v{number}"] for number in range(len(NASTY))] == [unicodedata.normalize("NFC", t) for t in NASTY]


def test_a_mistake_in_a_projects_own_template_is_told_with_its_line(project: Path) -> None:
    own = project / "templates/packer/local.pkr.hcl.j2"
    own.parent.mkdir(parents=True)
    own.write_text('source "qemu" "image" {\n  nonesuch = 1\n}\nbuild {\n  sources = ["source.qemu.image"]\n}\n')
    workspace = render(project, IMAGES[1], "local")
    with pytest.raises(SpecError, match="Packer does not accept the template") as caught:
        packer.validate(workspace)
    assert "nonesuch" in caught.value.details
    assert "image.pkr.hcl line 2" in caught.value.details


def test_a_variable_that_nobody_gives_is_told_by_name(project: Path) -> None:
    workspace = render(project, IMAGES[1], "gcp")
    (workspace / "image.auto.pkrvars.hcl").unlink()
    with pytest.raises(SpecError) as caught:
        packer.validate(workspace)
    assert 'Unset variable "project_id"' in caught.value.details


def test_a_secret_is_in_neither_log_nor_progress_nor_error(tmp_path: Path) -> None:
    secret = "pass,word"
    (tmp_path / "x.pkr.hcl").write_text(
        'source "null" "x" {\n  communicator = "none"\n}\n'
        'build {\n  sources = ["source.null.x"]\n'
        f'  provisioner "shell-local" {{\n    inline = ["echo it is {secret}", "echo {secret} >&2; exit 3"]\n  }}\n}}\n'
    )
    log = tmp_path / "log"
    told: list[str] = []
    with pytest.raises(ToolError) as caught:
        packer.build(tmp_path, None, log=log, say=told.append, timeout=60, secrets=(secret,))
    assert "it is ***" in log.read_text()
    for text in (log.read_text(), "\n".join(told), str(caught.value)):
        assert secret not in text
    assert "exit status: 3" in caught.value.details


def test_its_version_is_found() -> None:
    assert packer.version() >= (1, 6, 6)
