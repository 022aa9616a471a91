"""What is unwise: warned of, and in CI refused."""

import pytest

from phoenix.errors import RefusedError
from phoenix.spec.cautions import refuse_unshared_state, warnings
from phoenix.spec.project import Project
from tests.unit.spec.conftest import Load

ON_GCP = (
    ("local: {kind: local}", "local: {kind: gcp, project: acme-prod, region: us-central1}"),
    ("{local: bookworm}", "{gcp: debian-cloud/debian-12}"),
    ("{cpus: 1, memory: 512M}", "{type: e2-small}"),
    ("{listen: 127.0.0.1:8000}", "{backend_service: web}"),
    ("http://127.0.0.1:9999", "https://apt.acme.internal"),
)


def refuse(project: Project, **variables: str) -> None:
    refuse_unshared_state(project, project.services["web-tier"].environments["local"], variables)


def test_nothing_is_unwise_about_the_example(load_text: Load) -> None:
    project = load_text()
    assert warnings(project) == ()
    refuse(project, CI="true")


def test_a_cloud_with_its_state_on_one_disk(load_text: Load, good: str) -> None:
    project = load_text(good, *ON_GCP)
    assert [w.partition(" is on gcp")[0] for w in warnings(project)] == ["services.web-tier.environments.local"]
    refuse(project)
    refuse(project, CI="")
    for variable in ("CI", "BUILD_URL"):
        with pytest.raises(RefusedError, match="own disk"):
            refuse(project, **{variable: "1"})


@pytest.mark.parametrize("state", ["state_is_shared: true", "state: gs://bucket/prefix"])
def test_a_shared_state_is_wise(load_text: Load, good: str, state: str) -> None:
    project = load_text(good, *ON_GCP, ("clouds:", f"{state}\nclouds:"))
    assert warnings(project) == ()
    refuse(project, CI="true")


def test_what_looks_like_a_secret(load_text: Load, good: str) -> None:
    settings = "{DB_PASSWORD: hunter2, API_TOKEN: file:/run/token, GREETING: Hello}"
    found = warnings(load_text(good, ("{GREETING: Hello}", settings)))
    assert len(found) == 1
    assert "settings.DB_PASSWORD looks like a secret" in found[0]
    assert "hunter2" not in found[0]


def test_an_unsigned_repository_is_called_out(load_text: Load, good: str) -> None:
    (found,) = warnings(load_text(good, ("url: http://127.0.0.1:9999", "url: http://127.0.0.1:9999, sign: none")))
    assert found.startswith("repositories.main is not signed (`sign: none`)")


def test_time_limits_are_not_for_the_balancers_of_others(load_text: Load, good: str) -> None:
    limits = ("drain: 30s", "drain: 30s\n    timeouts: {idle: 5m}")
    assert warnings(load_text(good, limits)) == ()
    found = [each for each in warnings(load_text(good, limits, *ON_GCP)) if "timeouts" in each]
    assert found == [
        "services.web-tier.timeouts is not for environments.local: on gcp the backend service's own timeoutSec say how "
        "long a request may take; see that it is longer than `drain`"
    ]
