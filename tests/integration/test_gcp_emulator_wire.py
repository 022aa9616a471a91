"""How the emulated Google Cloud is reached: by the SDK as it is, through a proxy, with a key; other hosts."""

from __future__ import annotations

import base64
import os
import time
from typing import Any

import google.auth
import pytest
import requests
from google.api_core.exceptions import PreconditionFailed
from google.auth import impersonated_credentials
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import compute_v1
from google.oauth2 import service_account

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.bench import API, Bench, refused
from tests.support.real import gcp_rights

ALL = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture
def bench(gcp: Emulator) -> Bench:
    return Bench(gcp)


def test_the_sdk_finds_it_by_the_environment_alone(bench: Bench) -> None:
    """https://cloud.google.com/docs/authentication/application-default-credentials"""
    bench.backend_service()
    services = compute_v1.BackendServicesClient()
    named: dict[str, Any] = {"project": bench.world.project, "backend_service": "web"}
    found = services.get(**named)
    assert found.load_balancing_scheme == "EXTERNAL_MANAGED"
    change = compute_v1.BackendService(fingerprint=found.fingerprint, timeout_sec=11)
    services.patch(**named, backend_service_resource=change).result(timeout=30)
    assert services.get(**named).timeout_sec == 11
    with pytest.raises(PreconditionFailed):
        services.patch(**named, backend_service_resource=change)


def test_the_sdk_leaves_an_empty_list_out(bench: Bench) -> None:
    """PATCH with `backends=[]` sends no backends: nothing is changed, and nobody says so."""
    bench.group(size=1)
    bench.backend_service("web", "web")
    services = compute_v1.BackendServicesClient()
    named: dict[str, Any] = {"project": bench.world.project, "backend_service": "web"}
    found = services.get(**named)
    change = compute_v1.BackendService(fingerprint=found.fingerprint, backends=[])
    services.patch(**named, backend_service_resource=change).result(timeout=30)
    assert len(services.get(**named).backends) == 1
    (call,) = (call for call in bench.emulator.calls() if call.method == "compute.backendServices.patch")
    assert call.body == {"fingerprint": found.fingerprint}


def test_who_calls_is_known_and_what_it_needs(gcp: Emulator) -> None:
    world = gcp.world()
    client = compute_v1.ImagesClient(client_info=_named("phoenix"))
    client.get(project=world.project, image="hello-1")
    (call,) = gcp.calls()
    assert ("phoenix" in call.user_agent, call.permissions) == (True, ("compute.images.get",))
    assert gcp_rights.needed(gcp.calls()) == {"compute.images.get"}


def _named(agent: str) -> Any:
    from google.api_core.gapic_v1.client_info import ClientInfo

    return ClientInfo(user_agent=agent)


def test_a_token_is_had_for_the_key_and_not_for_another(gcp: Emulator) -> None:
    """https://developers.google.com/identity/protocols/oauth2/service-account"""
    credentials, project = google.auth.default(scopes=[ALL])
    credentials.refresh(Request())
    assert (project, str(credentials.token)[:5]) == ("shop-test", "ya29.")
    with Emulator() as other:
        foreign = service_account.Credentials.from_service_account_file(str(other.directory / "key.json"), scopes=[ALL])
        with pytest.raises(google.auth.exceptions.RefreshError, match="invalid_grant"):
            foreign.refresh(Request())


def test_a_revoked_key_counts_no_more(bench: Bench) -> None:
    bench.call("images.list")
    bench.emulator.configure(revoked=True)
    with pytest.raises(google.auth.exceptions.RefreshError, match="invalid_grant"):
        bench.call("images.list")
    bench.emulator.configure(revoked=False)
    bench.call("images.list")


def test_nobody_is_let_in_without_a_token(gcp: Emulator) -> None:
    answer = requests.get(f"{API}projects/shop-test/global/images", timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_another_account_is_impersonated(bench: Bench) -> None:
    """https://cloud.google.com/iam/docs/service-account-impersonation"""
    own, _project = google.auth.default(scopes=[ALL])
    other = impersonated_credentials.Credentials(
        source_credentials=own, target_principal="baker@shop-test.iam.gserviceaccount.com", target_scopes=[ALL]
    )
    session = AuthorizedSession(other)
    assert session.get(f"{API}projects/shop-test/global/images", timeout=10).status_code == 200
    assert bench.emulator.calls()[-1].caller == "baker@shop-test.iam.gserviceaccount.com"
    bench.emulator.configure(denied=["iam.serviceAccounts.getAccessToken"])
    with pytest.raises(google.auth.exceptions.RefreshError):
        other.refresh(Request())


def test_an_api_that_is_not_enabled(bench: Bench) -> None:
    """https://cloud.google.com/service-usage/docs/reference/rest/v1/services"""
    listed = "https://serviceusage.googleapis.com/v1/projects/shop-test/services"
    assert len(bench.web("GET", f"{listed}?filter=state:ENABLED")["services"]) == 8
    bench.emulator.configure(disabled=["compute.googleapis.com"])
    states = {
        one["config"]["name"]: one["state"]
        for one in bench.web("GET", f"{listed}:batchGet?names=projects/shop-test/services/compute.googleapis.com")[
            "services"
        ]
    }
    assert states == {"compute.googleapis.com": "DISABLED"}
    assert bench.web("GET", f"{listed}/iam.googleapis.com")["state"] == "ENABLED"
    with refused(403, "accessNotConfigured", "has not been used in project shop-test before or it is disabled"):
        bench.call("images.list")


def test_rights_on_the_project_and_on_an_account(bench: Bench) -> None:
    """https://cloud.google.com/resource-manager/reference/rest/v3/projects/testIamPermissions"""
    bench.emulator.configure(denied=["compute.images.*", "iam.serviceAccounts.actAs"])
    asked = {"permissions": ["compute.images.get", "compute.instances.get"]}
    of_project = "https://cloudresourcemanager.googleapis.com/v3/projects/shop-test:testIamPermissions"
    assert bench.web("POST", of_project, asked) == {"permissions": ["compute.instances.get"]}
    account = "web@shop-test.iam.gserviceaccount.com"
    of_account = f"https://iam.googleapis.com/v1/projects/-/serviceAccounts/{account}"
    assert bench.web("POST", f"{of_account}:testIamPermissions", {"permissions": ["iam.serviceAccounts.actAs"]}) == {}
    assert bench.web("GET", of_account)["email"] == account
    with refused(403, "PERMISSION_DENIED"):
        bench.web("POST", of_project.replace("shop-test", "nobodys"), asked)


def test_secrets(bench: Bench) -> None:
    """https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access"""
    secret = "https://secretmanager.googleapis.com/v1/projects/shop-test/secrets/password/versions/latest:access"
    with refused(404, "NOT_FOUND"):
        bench.web("GET", secret)
    bench.emulator.secret("password", "hunter2")
    assert base64.b64decode(bench.web("GET", secret)["payload"]["data"]) == b"hunter2"
    assert bench.emulator.calls()[-1].permissions == ("secretmanager.versions.access",)
    bench.emulator.configure(denied=["secretmanager.*"])
    with refused(403, "PERMISSION_DENIED", "secretmanager.versions.access"):
        bench.web("GET", secret)


def test_other_hosts_and_the_token_endpoint_can_fail(bench: Bench) -> None:
    secret = "https://secretmanager.googleapis.com/v1/projects/shop-test/secrets/password/versions/latest:access"
    bench.emulator.secret("password", "hunter2")
    bench.emulator.fail("secretmanager.versions.access", reason="UNAVAILABLE", message="later")
    with refused(503, "UNAVAILABLE", "later"):
        bench.web("GET", secret)
    bench.emulator.fail("secretmanager.versions.access", lost=True)
    with pytest.raises(requests.ConnectionError):
        bench.web("GET", secret)
    bench.web("GET", secret)
    bench.emulator.fail("oauth2.token", reason="invalid_scope", status=400)
    credentials, _project = google.auth.default(scopes=[ALL])
    with pytest.raises(google.auth.exceptions.RefreshError, match="invalid_scope"):
        credentials.refresh(Request())
    credentials.refresh(Request())


def test_a_host_that_nobody_serves(bench: Bench) -> None:
    with refused(404, "NOT_FOUND", "does not serve GET storage.googleapis.com/x"):
        bench.web("GET", "https://storage.googleapis.com/x")


def test_a_late_answer(bench: Bench) -> None:
    bench.emulator.fail("images.list", delay=0.3)
    begun = time.monotonic()
    bench.call("images.list")
    assert time.monotonic() - begun >= 0.3


def test_a_reset_forgets_everything(bench: Bench) -> None:
    bench.served(size=1)
    bench.emulator.configure(denied=["*"])
    bench.emulator.fail("images.list", reason="backendError")
    bench.emulator.reset()
    assert bench.emulator.calls() == ()
    assert bench.emulator.keys("instances") == bench.emulator.keys("urlMaps") == ()
    bench.call("images.list")
    bench.emulator.world()
    bench.served(size=1)


def test_its_process_ends_with_who_started_it() -> None:
    emulator = Emulator()
    emulator.start()
    process = emulator._process
    assert process is not None
    emulator.stop()
    assert process.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_machines_that_are_real_are_asked_for_their_health(gcp_with_machines: Emulator) -> None:
    """https://cloud.google.com/load-balancing/docs/health-check-concepts"""
    bench = Bench(gcp_with_machines)
    bench.served(size=2, autoHealingPolicies=[{"healthCheck": "global/healthChecks/web-autohealing"}])
    _soon(lambda: bench.stable() and bench.health() == ["HEALTHY", "HEALTHY"])
    bench.emulator.sick("web")
    _soon(lambda: bench.health() == ["UNHEALTHY", "UNHEALTHY"])
    bench.emulator.well("web")
    _soon(lambda: bench.stable() and bench.health() == ["HEALTHY", "HEALTHY"])
    (killed,) = bench.emulator.kill(bench.members()[0]["name"])
    _soon(lambda: bench.health() == ["HEALTHY", "UNHEALTHY"])
    assert killed.startswith("web-")


def _soon(seen: Any) -> None:
    end = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)
