"""The schema for editors accepts what phoenix accepts, and refuses what it refuses."""

from typing import Any

import jsonschema
import pytest
import yaml

from phoenix import data
from phoenix.spec.schema import json_schema
from tests.unit.spec.conftest import GOOD


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def wrong(validator: jsonschema.Draft202012Validator, text: str) -> list[str]:
    return [error.json_path for error in validator.iter_errors(yaml.safe_load(text))]


def test_the_file_that_init_writes(validator: jsonschema.Draft202012Validator) -> None:
    assert wrong(validator, data.path("templates", "project", "phoenix.yaml").read_text()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("health: /healthz", "health: {path: /x, interval: 2s}"),
        ("packages: [hello]}", "packages: [{name: hello, version: 1.10}]}"),
        ("{GREETING: Hello}", "{GREETING: 1, OTHER: yes, EMPTY: }"),
        ("port: 8080", "port: ${PORT}"),
        ("max_age: 7d", "max_age: ${AGE:-7d}"),
        ("kind: blue-green, keep: 30m", "kind: rolling, step: 1"),
        ("kind: blue-green, keep: 30m", "kind: canary, steps: [50, 100]"),
        ("size: 2", "size: {min: 1, max: 2}"),
        ("url: http://127.0.0.1:9999", "url: {local: 'http://127.0.0.1:9999', aws: 'https://apt.acme.internal'}"),
        ("kind: blue-green, keep: 30m", "kind: blue-green, alarms: [web-5xx, latency p99]"),
        ("size: 2", "size: 2\n        zones: [a, b]\n        not_carried: accept"),
        ("listen: 127.0.0.1:8000", "listener: arn, address: 'https://www.acme.example'"),
    ],
)
def test_what_is_accepted(validator: jsonschema.Draft202012Validator, old: str, new: str) -> None:
    assert old in GOOD
    assert wrong(validator, GOOD.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("version: 1", "version: 2", "$.version"),
        ("project: hello", "project: Hello", "$.project"),
        ("drain: 30s", "drain: 30", "$.services['web-tier'].drain"),
        ("port: 8080", "prot: 8080", "$.services['web-tier']"),
        ("memory: 512M", "memory: 512MB", "$.services['web-tier'].environments.local.machine.memory"),
        ("listen: 127.0.0.1:8000", "address: www", "$.services['web-tier'].environments.local.load_balancer.address"),
        ("url: http://127.0.0.1:9999", "url: {local: apt}", "$.repositories.main.url"),
        ("max_age: 7d", "max_age:", "$.images.os['debian-12'].max_age"),
    ],
)
def test_what_is_refused(validator: jsonschema.Draft202012Validator, old: str, new: str, path: str) -> None:
    assert old in GOOD
    assert path in wrong(validator, GOOD.replace(old, new))


def test_every_key_is_described() -> None:
    def undescribed(where: str, schema: Any) -> list[str]:
        return [f"{where}.{key}" for key, value in schema.get("properties", {}).items() if "description" not in value]

    schema = json_schema()
    found = undescribed("phoenix.yaml", schema)
    for name, each in schema["$defs"].items():
        found += undescribed(name, each)
    assert found == []
