"""The emulated metadata server against "View and query VM metadata" of Compute Engine's documentation."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.emulators.gcp.machines import Launch
from tests.emulators.gcp.metadata import ROOT, Facts, answer
from tests.emulators.machines.metadata import Answer

ACCOUNT = "web@shop.iam.gserviceaccount.com"
LAUNCH = Launch(
    id="7",
    name="web-1",
    project="shop",
    zone="europe-west1-b",
    image="projects/shop/global/images/hello-1",
    metadata={"startup-script": "#!/bin/sh\n", "some.Key": "ä"},
    service_account=ACCOUNT,
    network_tags=("web",),
)
FLAVOR = {"metadata-flavor": "Google"}


def facts(launch: Launch = LAUNCH) -> Facts:
    return Facts(launch=launch, address="127.2.0.1", mac="02:00:00:00:00:01")


def asked_by(path: str, **query: str) -> str:
    return f"{ROOT}{path}" + (f"?{urlencode(query)}" if query else "")


def get(path: str, told: Facts | None = None, **query: str) -> Answer:
    return answer(told or facts(), "GET", asked_by(path, **query), FLAVOR)


def read(path: str, **query: str) -> Any:
    return json.loads(get(path, None, **query).body)


def test_whoever_has_no_right_to_ask_is_refused() -> None:
    assert answer(facts(), "GET", asked_by("/instance/id"), {}).status == 403
    assert answer(facts(), "GET", asked_by("/instance/id"), {"metadata-flavor": "google"}).status == 403
    assert answer(facts(), "GET", asked_by("/instance/id"), {**FLAVOR, "x-forwarded-for": "192.0.2.1"}).status == 403
    assert answer(facts(), "PUT", asked_by("/instance/guest-attributes/a/b"), FLAVOR).status == 403


def test_anybody_may_see_that_it_is_there() -> None:
    seen = answer(facts(), "GET", "/", {})
    assert (seen.status, seen.headers["Metadata-Flavor"]) == (200, "Google")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/instance/id", "7"),
        ("/instance/name", "web-1"),
        ("/instance/hostname", "web-1.europe-west1-b.c.shop.internal"),
        ("/instance/attributes/startup-script", "#!/bin/sh\n"),
        ("/instance/attributes/some.Key", "ä"),
        ("/instance/network-interfaces/0/ip", "127.2.0.1"),
        ("/instance/network-interfaces/0/access-configs/0/external-ip", "127.2.0.1"),
        ("/instance/service-accounts/default/email", ACCOUNT),
        (f"/instance/service-accounts/{ACCOUNT}/email", ACCOUNT),
        ("/project/project-id", "shop"),
    ],
)
def test_what_a_machine_is_told(path: str, said: str) -> None:
    assert (get(path).status, get(path).body.decode()) == (200, said)


def test_directories_are_listed_by_their_names_in_paths() -> None:
    assert get("/instance").status == 301
    assert get("/instance").headers["Location"] == asked_by("/instance/")
    assert get("/instance/attributes/").body.decode().split("\n") == ["some.Key", "startup-script", ""]
    assert "network-interfaces/" in get("/instance/").body.decode().split("\n")
    assert get("/instance/network-interfaces/").body == b"0/\n"


def test_recursive_answers_are_json_in_camel_case() -> None:
    everything = read("/", recursive="true")
    assert everything["instance"]["networkInterfaces"][0]["accessConfigs"][0]["externalIp"] == "127.2.0.1"
    assert everything["instance"]["attributes"] == dict(LAUNCH.metadata)
    assert everything["project"]["projectId"] == "shop"
    assert "token" not in everything["instance"]["serviceAccounts"]["default"]


def test_a_token_is_given_where_there_is_an_account() -> None:
    token = read("/instance/service-accounts/default/token")
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] > 0
    nobody = facts(replace(LAUNCH, service_account=""))
    assert get("/instance/service-accounts/default/token", nobody).status == 404
    assert get("/instance/service-accounts/other@shop.iam.gserviceaccount.com/token").status == 404


def test_what_is_not_there() -> None:
    assert get("/instance/attributes/none").status == 404
    assert get("/instance/network-interfaces/1/ip").status == 404
    assert get("/instance/id/more").status == 404
    assert answer(facts(), "GET", "/latest/meta-data/", FLAVOR).status == 404


def test_who_waits_for_a_change_hears_of_it_when_it_comes() -> None:
    metadata = {"changed": "no"}
    told = facts(replace(LAUNCH, metadata=metadata))
    etag = get("/instance/attributes/", told, recursive="true").headers["ETag"]
    wait = {"recursive": "true", "wait_for_change": "true"}
    at_once = get("/instance/attributes/", told, **wait, last_etag="another")
    assert at_once.headers["ETag"] == etag
    over = get("/instance/attributes/", told, **wait, last_etag=etag, timeout_sec="0")
    assert over.headers["ETag"] == etag
    heard: list[Answer] = []
    waiting = threading.Thread(
        target=lambda: heard.append(get("/instance/attributes/", told, **wait, last_etag=etag, timeout_sec="60"))
    )
    waiting.start()
    metadata["changed"] = "yes"
    waiting.join(10)
    assert [json.loads(answer.body) for answer in heard] == [{"changed": "yes"}]
