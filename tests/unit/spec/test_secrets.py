"""References to secrets of a cloud: which are accepted, where, and what is said of the others."""

from __future__ import annotations

import pytest

from phoenix.spec.cautions import warnings
from tests.unit.spec.conftest import GOOD, Load, Mistakes

SETTINGS = "services.web-tier.settings"
PLACE = "services.web-tier.environments"
FORM = "aws-sm://NAME or aws-sm://NAME#KEY, NAME of letters, digits and /_+=.@-"
ON_AWS = (
    GOOD.replace("local: {kind: local}", "local: {kind: aws, region: eu-west-1, subnets: [subnet-a]}")
    .replace("{local: bookworm}", '{aws: "136/debian-12-amd64-*"}')
    .replace("{cpus: 1, memory: 512M}", "{type: t3.small, identity: web}")
    .replace("{listen: 127.0.0.1:8000}", '{listener: "arn:aws:x"}')
    .replace("http://127.0.0.1:9999", "https://apt.acme.internal")
)
ON_GCP = (
    GOOD.replace("local: {kind: local}", "local: {kind: gcp, project: acme-prod, region: us-central1}")
    .replace("{local: bookworm}", "{gcp: debian-cloud/debian-12}")
    .replace("{cpus: 1, memory: 512M}", "{type: e2-small, identity: web@acme-prod.iam.gserviceaccount.com}")
    .replace("{listen: 127.0.0.1:8000}", "{url_map: web}")
    .replace("http://127.0.0.1:9999", "https://apt.acme.internal")
)


def setting(value: str) -> tuple[str, str]:
    return "{GREETING: Hello}", f'{{DB_PASSWORD: "{value}"}}'


@pytest.mark.parametrize(
    "value", ["aws-sm://db", "aws-sm://prod/db#password", "aws-sm://a_b+c=d.e@f-g", "aws-sm://x#y#z"]
)
def test_a_reference_on_aws(load_text: Load, value: str) -> None:
    project = load_text(ON_AWS, setting(value))
    assert project.services["web-tier"].settings == {"DB_PASSWORD": value}
    assert [each for each in warnings(project) if "DB_PASSWORD" in each] == []


@pytest.mark.parametrize(
    "value", ["aws-sm://", "aws-sm://#k", "aws-sm://a b", "aws-sm://a#", "aws-sm://a:b", "aws-sm://ä"]
)
def test_a_name_that_no_secret_has(mistakes: Mistakes, value: str) -> None:
    found = mistakes(setting(value), text=ON_AWS)
    assert found == [f"22: {SETTINGS}.DB_PASSWORD: {value!r} names no secret; accepted: {FORM}"]


def test_no_other_cloud_has_it(mistakes: Mistakes) -> None:
    assert mistakes(setting("aws-sm://db")) == [
        f"22: {SETTINGS}.DB_PASSWORD: environment local is on a local cloud, whose machines cannot read aws-sm://; "
        "accepted: another value in that environment's `settings`, machine-file:PATH"
    ]


@pytest.mark.parametrize("value", ["gcp-sm://db", "gcp-sm://prod-db_1#password", "gcp-sm://x#y#z"])
def test_a_reference_on_gcp(load_text: Load, value: str) -> None:
    project = load_text(ON_GCP, setting(value))
    assert project.services["web-tier"].settings == {"DB_PASSWORD": value}
    assert [each for each in warnings(project) if "DB_PASSWORD" in each] == []


@pytest.mark.parametrize("value", ["gcp-sm://", "gcp-sm://#k", "gcp-sm://a/b", "gcp-sm://a#", "gcp-sm://a.b"])
def test_a_name_that_no_secret_of_gcp_has(mistakes: Mistakes, value: str) -> None:
    found = mistakes(setting(value), text=ON_GCP)
    form = "gcp-sm://NAME or gcp-sm://NAME#KEY, NAME of letters, digits, - and _"
    assert found == [f"22: {SETTINGS}.DB_PASSWORD: {value!r} names no secret; accepted: {form}"]


@pytest.mark.parametrize(("text", "value", "kind"), [(ON_AWS, "gcp-sm://db", "aws"), (ON_GCP, "aws-sm://db", "gcp")])
def test_a_secret_of_the_other_cloud(mistakes: Mistakes, text: str, value: str, kind: str) -> None:
    assert mistakes(setting(value), text=text) == [
        f"22: {SETTINGS}.DB_PASSWORD: environment local is on a {kind} cloud, whose machines cannot read "
        f"{value.removesuffix('db')}; accepted: another value in that environment's `settings`, machine-file:PATH"
    ]


def test_an_environment_has_settings_of_its_own(load_text: Load, mistakes: Mistakes) -> None:
    """They are laid over the service's, key by key, and what nobody reads any more is no mistake."""
    own = ("size: 2", "size: 2\n        settings: {DB_PASSWORD: 'gcp-sm://db', COLOUR: red}")
    service = load_text(ON_GCP, setting("aws-sm://db"), own).services["web-tier"]
    assert service.settings == {"DB_PASSWORD": "aws-sm://db"}
    assert service.at(service.environments["local"]).settings == {"DB_PASSWORD": "gcp-sm://db", "COLOUR": "red"}
    found = mistakes(own, text=ON_AWS)
    place = f"{PLACE}.local.settings.DB_PASSWORD"
    assert [line for line in found if f"{place}: environment local is on a aws cloud" in line]


def test_a_secret_in_an_environments_settings_is_seen(load_text: Load) -> None:
    project = load_text(ON_GCP, ("size: 2", "size: 2\n        settings: {API_KEY: hunter2}"))
    assert any(f"{PLACE}.local.settings.API_KEY looks like a secret" in each for each in warnings(project))


def test_a_machine_without_an_identity_can_read_none(mistakes: Mistakes) -> None:
    found = mistakes(setting("aws-sm://db"), (", identity: web", ""), text=ON_AWS)
    assert len(found) == 1
    assert f"{PLACE}.local.machine: its machines read settings (aws-sm://) with their own identity" in found[0]
    assert found[0].endswith("accepted: {identity: INSTANCE_PROFILE}")


def test_nor_can_one_on_gcp(mistakes: Mistakes) -> None:
    (found,) = mistakes(setting("gcp-sm://db"), (", identity: web@acme-prod.iam.gserviceaccount.com", ""), text=ON_GCP)
    assert f"{PLACE}.local.machine: its machines read settings (gcp-sm://) with their own identity" in found
    assert found.endswith("accepted: {identity: SERVICE_ACCOUNT}")


@pytest.mark.parametrize(
    "value", ["file:/run/token", "file:secrets/token", "cmd:pass show db", "machine-file:/etc/token"]
)
def test_a_reference_on_the_local_cloud(load_text: Load, good: str, value: str) -> None:
    project = load_text(good, setting(value))
    assert project.services["web-tier"].settings == {"DB_PASSWORD": value}
    assert [each for each in warnings(project) if "DB_PASSWORD" in each] == []


@pytest.mark.parametrize("value", ["file:/run/token", "cmd:pass show db"])
def test_what_is_read_on_this_computer_is_for_local_clouds(mistakes: Mistakes, value: str) -> None:
    assert mistakes(setting(value), text=ON_AWS) == [
        f"22: {SETTINGS}.DB_PASSWORD: environment local is on a aws cloud, which starts machines while nobody is here; "
        "accepted: machine-file:PATH, aws-sm://NAME"
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [("file:", "names no file"), ("cmd: ", "names no command"), ("machine-file:token", "is no file of a machine")],
)
def test_a_reference_to_nothing(mistakes: Mistakes, value: str, told: str) -> None:
    (found,) = mistakes(setting(value))
    assert told in found


def test_an_environment_has_its_own_where_its_cloud_cannot_read_the_services(load_text: Load) -> None:
    own = ("    size: 2", '    settings: {DB_PASSWORD: "aws-sm://db"}\n        size: 2')
    project = load_text(ON_AWS, setting("file:/run/token"), own)
    service = project.services["web-tier"]
    assert service.at(service.environments["local"]).settings == {"DB_PASSWORD": "aws-sm://db"}
