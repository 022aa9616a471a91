"""Which urls of repositories the machines of a cloud that is not here can be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.clouds.api import Cloud
from phoenix.errors import RefusedError
from phoenix.orders.clouds import open_cloud
from phoenix.spec.load import load

YAML = """\
version: 1
project: shop
state: s3://bucket/shop
clouds:
  aws: {kind: aws, region: eu-west-1, subnets: [subnet-a]}
  gcp: {kind: gcp, project: shop-test, region: europe-west1}
images: {os: {debian-12: {base: {aws: "136693071363/debian-12-amd64-*"}, playbook: os.yml}}}
"""


@pytest.fixture(params=["aws", "gcp"])
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Cloud:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "os.yml").write_text("- hosts: all\n")
    (tmp_path / "phoenix.yaml").write_text(YAML)
    project = load(tmp_path / "phoenix.yaml", {})
    return open_cloud(project, project.clouds[request.param])


@pytest.mark.parametrize("url", ["https://apt.acme.internal", "http://localhost-mirror.example:80", "http://10.0.0.7"])
def test_what_leads_elsewhere_is_as_it_is(cloud: Cloud, url: str) -> None:
    assert cloud.url_for_machines(url) == url


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9999", "http://me@localhost/", "http://[::1]:80", "http://127.9.9.9"]
)
def test_nobody_there_reaches_this_computer(cloud: Cloud, url: str) -> None:
    with pytest.raises(RefusedError, match=f"machines of the cloud '{cloud.name}' cannot reach") as refused:
        cloud.url_for_machines(url)
    assert f"url: {{{cloud.name}: https" in refused.value.resolution
