"""The keys of phoenix.yaml that clouds such as AWS need: what they become, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.model import CloudMachine
from phoenix.spec.project import Project
from phoenix.spec.services import AwsBalancer, BlueGreen, Canary, EnvironmentSpec, GcpUrlMap, Rolling
from phoenix.spec.strategies import chosen
from tests.unit.spec.conftest import GOOD, Load, Mistakes

WEB = "services.web-tier.environments"
FILE = (
    GOOD.replace(
        "repositories:",
        "  gcp: {kind: gcp, project: acme-prod, region: us-central1}\n"
        "  aws: {kind: aws, region: eu-west-1, subnets: [subnet-a]}\nrepositories:",
    )
    .replace("base: {local: bookworm}", 'base: {local: bookworm, gcp: d/debian-12, aws: "136/debian-12-amd64-*"}')
    .replace(
        "url: http://127.0.0.1:9999",
        'url: {local: "http://127.0.0.1:9999", aws: "https://apt.acme.internal/", gcp: "https://apt.acme.internal"}',
    )
    + """\
      prod:
        cloud: aws
        size: {min: 4, max: 20, cpu: 60%}
        machine: {type: t3.small, spot: true}
        not_carried: accept
        load_balancer: {listener: "arn:aws:x", rule: default, address: "https://www.acme.example"}
        strategy: {kind: canary, steps: [50, 100], soak: 1m, alarms: [web-5xx, "latency p99"]}
      other:
        cloud: gcp
        size: 3
        zones: [us-central1-b, us-central1-c]
        machine: {type: e2-small}
        load_balancer: {url_map: web, address: "http://10.0.0.1:8080/ping"}
"""
)


def where(project: Project, environment: str) -> EnvironmentSpec:
    return project.services["web-tier"].environments[environment]


def test_what_they_become(load_text: Load) -> None:
    project = load_text(FILE)
    local, prod, other = (where(project, name) for name in ("local", "prod", "other"))
    assert prod.machine == CloudMachine(type="t3.small", spot=True, subnets=("subnet-a",))
    assert (local.accepts_not_carried, prod.accepts_not_carried) == (False, True)
    assert (prod.zones, other.zones) == ((), ("us-central1-b", "us-central1-c"))
    assert prod.load_balancer == AwsBalancer(listener="arn:aws:x", rule="default", address="https://www.acme.example")
    assert other.load_balancer == GcpUrlMap(url_map="web", route="default", address="http://10.0.0.1:8080/ping")
    assert prod.strategy == Canary(steps=(50, 100), soak=60.0, hold=(), keep=1800.0, alarms=("web-5xx", "latency p99"))


def test_health_is_checked_less_often_and_longer_on_a_real_cloud(load_text: Load) -> None:
    service = load_text(FILE).services["web-tier"]
    found = {name: service.at(each).health for name, each in service.environments.items()}
    assert {name: (health.interval, health.deadline) for name, health in found.items()} == {
        "local": (2.0, 300.0),
        "prod": (5.0, 600.0),
        "other": (5.0, 600.0),
    }
    assert {health.path for health in found.values()} == {"/healthz"}
    said = load_text(FILE, ("health: /healthz", "health: {interval: 3s, deadline: 1m}")).services["web-tier"]
    assert {(h.interval, h.deadline) for h in (said.at(e).health for e in said.environments.values())} == {(3.0, 60.0)}


def test_another_strategy_watches_the_same_alarms(load_text: Load) -> None:
    prod = where(load_text(FILE), "prod")
    alarms = ("web-5xx", "latency p99")
    assert chosen("rolling", prod) == Rolling(step=25, percent=True, alarms=alarms)
    assert chosen("blue-green", prod) == BlueGreen(keep=1800.0, alarms=alarms)


def test_a_repository_has_an_address_for_each_cloud(load_text: Load, directory: Path) -> None:
    repository = load_text(FILE).repositories["main"]
    assert repository.url == "http://127.0.0.1:9999", "phoenix itself goes the way of the local cloud"
    assert [repository.url_for(cloud) for cloud in ("local", "aws", "gcp")] == [
        "http://127.0.0.1:9999",
        "https://apt.acme.internal",
        "https://apt.acme.internal",
    ]
    by_kind = load_text(FILE, ("  aws: {kind", "  ours: {kind"), ("cloud: aws", "cloud: ours")).repositories["main"]
    assert by_kind.url_for("ours") == "https://apt.acme.internal"
    alone = load_text(GOOD).repositories["main"]
    assert alone.url == alone.url_for("local") == "http://127.0.0.1:9999"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cpus: 1", "spot: true", f"{WEB}.local.machine.spot: a machine of a local cloud has no spot; accepted: cpus"),
        ("spot: true", "spot: 1", f"{WEB}.prod.machine.spot: must be true or false"),
        ("not_carried: accept", "not_carried: yes", f"{WEB}.prod.not_carried: True is not accepted; accepted: accept"),
        (
            "size: 2\n",
            "size: 2\n        not_carried: accept\n",
            f"{WEB}.local.not_carried: a local group has no settings of its own; accepted: only on a gcp or aws cloud",
        ),
        (
            "not_carried: accept",
            "zones: [eu-west-1a]",
            f"{WEB}.prod.zones: the cloud's subnets say in which zones machines start; accepted: only on a gcp cloud",
        ),
        (
            "size: 2\n",
            "size: 2\n        zones: [here]\n",
            f"{WEB}.local.zones: this computer has no zones; accepted: only on a gcp cloud",
        ),
        ("zones: [us-central1-b, us-central1-c]", "zones: []", f"{WEB}.other.zones: must not be empty"),
        (
            "{listen: 127.0.0.1:8000}",
            '{listen: 127.0.0.1:8000, address: "http://x"}',
            f"{WEB}.local.load_balancer.address: does not belong to a local cloud; accepted: {{listen: IP:PORT}}",
        ),
        (
            "https://www.acme.example",
            "www.acme.example",
            f"{WEB}.prod.load_balancer.address: 'www.acme.example' is no address; accepted: http(s)://HOST, with :PORT",
        ),
        (
            "kind: blue-green, keep: 30m",
            "kind: blue-green, alarms: [web-5xx]",
            f"{WEB}.local.strategy.alarms: a local cloud has no alarms that phoenix reads; accepted: only on an aws",
        ),
        ('alarms: [web-5xx, "latency p99"]', "alarms: web-5xx", f"{WEB}.prod.strategy.alarms: must be a list"),
        *(
            (
                "rule: default",
                f"rule: {wrong}",
                f"{WEB}.prod.load_balancer.rule: '{wrong}' is no rule; accepted: default, or a priority, 1 to 50000",
            )
            for wrong in ("first", "-3", "0", "50001")
        ),
        (
            "subnets: [subnet-a]",
            f"subnets: [subnet-a], tags: {{{', '.join(f'k{number}: v' for number in range(60))}}}",
            "clouds.aws.tags: 60 are too many; accepted: up to 25",
        ),
        ('[web-5xx, "latency p99"]', '[""]', f"{WEB}.prod.strategy.alarms[0]: '' is no alarm; accepted: its name"),
        (
            "https://apt.acme.internal/",
            "http://localhost:9999",
            "repositories.main.url.aws: http://localhost:9999 is an address of this computer alone: no machine of the "
            "cloud aws reaches it; accepted: one that they reach",
        ),
        (
            '{local: "http://127.0.0.1:9999", aws: "https://apt.acme.internal/", gcp: "https://apt.acme.internal"}',
            "http://127.0.0.1:9999",
            "repositories.main.url: http://127.0.0.1:9999 is an address of this computer alone: no machine of the "
            "cloud aws reaches it; web-tier in environment prod needs it there; accepted: {CLOUD: URL, ...} with one "
            "that they reach for each",
        ),
        (
            ', gcp: "https://apt.acme.internal"}',
            "}",
            "repositories.main.url: has no address for gcp, but web-tier in environment other needs it there",
        ),
        (
            ', gcp: "https://apt.acme.internal"}',
            ', gpc: "https://apt.acme.internal"}',
            "repositories.main.url.gpc: there is no cloud 'gpc'; nearest: gcp",
        ),
        ('gcp: "https://apt.acme.internal"', "gcp: apt", "repositories.main.url.gcp: 'apt' is no address; accepted"),
    ],
)
def test_a_mistake_and_its_message(mistakes: Mistakes, old: str, new: str, message: str) -> None:
    found = mistakes((old, new), text=FILE)
    assert any(message in line for line in found), found


def test_a_repository_that_nothing_on_a_cloud_needs_may_be_of_this_computer(load_text: Load) -> None:
    """`packages` of the service are baked in: nothing is installed at boot, but the bake needs them."""
    text = FILE.replace("packages: [hello]\n    settings", "settings")
    old = '{local: "http://127.0.0.1:9999", aws: "https://apt.acme.internal/", gcp: "https://apt.acme.internal"}'
    assert load_text(text, (old, "http://127.0.0.1:9999")).repositories["main"].url == "http://127.0.0.1:9999"


def test_two_repositories_have_no_address_in_common(mistakes: Mistakes) -> None:
    other = (
        '  other: {distribution: trixie, root: x, url: {local: "http://127.0.0.1:1", aws: "https://apt.acme.internal"}}'
    )
    found = mistakes(("images:", f"{other}\nimages:"), text=FILE)
    assert [line.split(": ", 1)[1] for line in found if "already" in line] == [
        "repositories.other.url.aws: https://apt.acme.internal is the url of repository main already"
    ]


@pytest.mark.parametrize(
    ("balancer", "kind"), [('listener: "arn:aws:x"', "aws"), ("url_map: web", "gcp")], ids=["aws", "gcp"]
)
@pytest.mark.parametrize("key", ["headers: 32K", "forwarded: append"])
def test_what_is_the_local_balancers_alone(mistakes: Mistakes, balancer: str, kind: str, key: str) -> None:
    found = mistakes((f"{{{balancer}", f"{{{key}, {balancer}"), text=FILE)
    name = key.partition(":")[0]
    assert any(f"load_balancer.{name}: does not belong to a {kind} cloud; accepted: " in each for each in found), found


def test_a_drain_that_a_cloud_would_cut_is_a_mistake(mistakes: Mistakes) -> None:
    long, without_aws = (
        ("drain: 30s", "drain: 61m"),
        FILE[: FILE.index("      prod:")] + FILE[FILE.index("      other:") :],
    )
    told = "services.web-tier.drain: 61m is more than a"
    (of_aws,) = mistakes(long, text=FILE)
    assert f"{told} target group's deregistration delay can be, and prod is on a cloud of kind aws" in of_aws
    (of_gcp,) = mistakes(long, text=without_aws)
    assert f"{told} backend service's draining timeout can be, and other is on a cloud of kind gcp" in of_gcp
    assert of_gcp.endswith("; accepted: up to 1h")


def test_a_drain_is_as_long_as_its_cloud_takes(load_text: Load) -> None:
    assert load_text(FILE.replace("drain: 30s", "drain: 60m")).services["web-tier"].drain == 3600.0
    assert load_text(GOOD.replace("drain: 30s", "drain: 2h")).services["web-tier"].drain == 7200.0
