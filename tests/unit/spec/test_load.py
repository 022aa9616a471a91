"""What a good file becomes."""

from pathlib import Path

import pytest

from phoenix.errors import SpecError
from phoenix.manner import Forwarded, Timeouts
from phoenix.model import CloudKind, CloudMachine, Health, ImageType, LocalMachine
from phoenix.spec.clouds import AwsCloud, GcpCloud, LocalCloud, MachineEngine
from phoenix.spec.images import ImageName, PackageWish
from phoenix.spec.load import load
from phoenix.spec.services import AwsBalancer, BlueGreen, Canary, GcpUrlMap, Hook, LocalBalancer, Rolling, Size
from tests.unit.spec.conftest import GOOD, Load

NODEJS = ImageName(type=ImageType.FOUNDATION, name="nodejs")


def test_every_part_becomes_its_value(load_text: Load, directory: Path) -> None:
    project = load_text()
    assert (project.name, project.directory, project.file) == ("hello", directory, directory / "phoenix.yaml")
    assert project.state_directory == directory / ".phoenix"
    cloud = project.clouds["local"]
    assert isinstance(cloud, LocalCloud)
    assert (cloud.machines, cloud.root) == (MachineEngine.AUTO, directory / ".phoenix" / "local")
    assert cloud.images == directory / ".phoenix" / "local" / "images"
    repository = project.repositories["main"]
    assert (repository.root, repository.sign, repository.keep) == (directory / ".phoenix" / "aptly", "auto", 5)
    os_recipe, nodejs, hello = project.lineage(ImageName(type=ImageType.IMMUTABLE, name="hello"))
    assert (os_recipe.parent, os_recipe.base, os_recipe.max_age) == (None, {CloudKind.LOCAL: "bookworm"}, 7 * 86400)
    assert (nodejs.image, nodejs.tests, nodejs.max_age) == (NODEJS, ("node --version",), None)
    assert hello.packages == (PackageWish(name="hello", version=None, repository="main"),)
    service = project.services["web-tier"]
    assert (service.image, service.port, service.drain, service.min_healthy) == (NODEJS, 8080, 30.0, None)
    assert (service.settings, service.health, service.orphan) == ({"GREETING": "Hello"}, Health(), "abort")
    local = service.environments["local"]
    assert (local.size, local.machine) == (Size(minimum=2, maximum=2), LocalMachine(cpus=1, memory=512 * 1024**2))
    assert local.load_balancer == LocalBalancer(listen="127.0.0.1:8000")
    assert local.strategy == BlueGreen(keep=1800.0)


def test_the_example_of_the_other_clouds(load_text: Load, good: str) -> None:
    text = good.replace(
        "repositories:",
        "  gcp: {kind: gcp, project: acme-prod, region: us-central1}\n"
        "  aws: {kind: aws, region: eu-west-1, subnets: [subnet-a, subnet-b]}\nrepositories:",
    )
    bases = 'base: {local: bookworm, gcp: d/debian-12, aws: "136/debian-12-amd64-*"}'
    text = text.replace("base: {local: bookworm}", bases).replace("http://127.0.0.1:9999", "https://apt.acme.internal")
    text += """\
      prod:
        cloud: aws
        size: {min: 4, max: 20, cpu: 60%}
        machine: {type: t3.small, disk: 20G, identity: web-profile, firewall: [sg-123], public_ip: false}
        load_balancer: {listener: "arn:aws:x", rule: 10}
        strategy: {kind: canary, steps: [5, 25, 50, 100], soak: 10m, hold: [25]}
      other:
        cloud: gcp
        size: 3
        machine: {type: e2-small}
        load_balancer: {url_map: web}
        strategy: {kind: rolling, step: 25%}
stacks:
  network: {root: terraform/gcp, variables: {zone: 1.10}}
"""
    project = load_text(text)
    assert project.clouds["gcp"] == GcpCloud(name="gcp", project="acme-prod", region="us-central1", network="default")
    assert project.clouds["aws"] == AwsCloud(name="aws", region="eu-west-1", subnets=("subnet-a", "subnet-b"))
    prod, other = (project.services["web-tier"].environments[name] for name in ("prod", "other"))
    assert prod.size == Size(minimum=4, maximum=20, cpu=60)
    assert prod.machine == CloudMachine(
        type="t3.small",
        disk=20 * 1024**3,
        identity="web-profile",
        firewall=("sg-123",),
        subnets=("subnet-a", "subnet-b"),
    )
    assert prod.load_balancer == AwsBalancer(listener="arn:aws:x", rule="10")
    assert prod.strategy == Canary(steps=(5, 25, 50, 100), soak=600.0, hold=(25,), keep=1800.0)
    assert other.load_balancer == GcpUrlMap(url_map="web", route="default")
    assert other.strategy == Rolling(step=25, percent=True)
    assert project.stacks["network"].variables == {"zone": "1.10"}
    assert project.clouds_using(NODEJS) == ("aws", "gcp", "local")


def test_short_and_long_forms_say_the_same(load_text: Load, good: str) -> None:
    short = load_text(good)
    long = load_text(
        good,
        ("health: /healthz", "health: {path: /healthz, status: 200, interval: 2s, healthy_after: 5s, deadline: 5m}"),
        ("    packages: [hello]\n    settings", "    packages: [{name: hello, repository: main}]\n    settings"),
    )
    assert short == long


def test_a_package_may_name_its_version_as_it_is_written(load_text: Load, good: str) -> None:
    project = load_text(good, ("packages: [hello]}", "packages: [{name: hello, version: 1.10}]}"))
    assert project.recipe(ImageName(type=ImageType.IMMUTABLE, name="hello")).packages[0].version == "1.10"


def test_settings_are_the_text_that_stands_there(load_text: Load, good: str) -> None:
    settings = "{A: 1.10, B: yes, C: 12:30, D: 'file:/run/secret', E: , F: 0644, G: \"~\", H: null}"
    project = load_text(good, ("{GREETING: Hello}", settings))
    assert project.services["web-tier"].settings == {
        "A": "1.10",
        "B": "yes",
        "C": "12:30",
        "D": "file:/run/secret",
        "E": "",
        "F": "0644",
        "G": "~",
        "H": "",
    }


def test_variables_are_what_json_can_say(load_text: Load, good: str) -> None:
    variables = "{a: yes, b: 1.5, c: 0644, d: 2026-01-31, e: null, f: [1, {g: x}], h: .nan, i: 12:30}"
    project = load_text(good, ("{timezone: Etc/UTC}", variables))
    assert project.lineage(NODEJS)[0].variables == {
        "a": True,
        "b": 1.5,
        "c": "0644",
        "d": "2026-01-31",
        "e": None,
        "f": [1, {"g": "x"}],
        "h": ".nan",
        "i": "12:30",
    }


def test_a_service_on_an_os_image_has_its_stack_from_a_recipe(load_text: Load, good: str) -> None:
    project = load_text(good, ("image: foundation/nodejs", "image: os/debian-12\n    foundation: nodejs"))
    assert project.services["web-tier"].foundation == NODEJS


def test_hooks_have_a_short_and_a_long_form(load_text: Load, good: str, directory: Path) -> None:
    (directory / "smoke.sh").touch(mode=0o755)
    hooks = "hooks: {before_traffic: [./smoke.sh -x, {command: 'true', timeout: 10s}]}\n    drain"
    project = load_text(good, ("drain", hooks))
    expected = (Hook(command="./smoke.sh -x", timeout=300.0), Hook(command="true", timeout=10.0))
    assert project.services["web-tier"].hooks.before_traffic == expected


def test_the_environment_fills_references(load_text: Load, good: str) -> None:
    environment = {"NAME": "shop", "PORT": "81"}
    project = load_text(
        good,
        ("project: hello", "project: ${NAME}"),
        ("port: 8080", "port: ${PORT}"),
        ("listen: 127.0.0.1:8000", 'listen: "127.0.0.1:${LISTEN:-8005}"'),
        ("node --version", "echo $${HOME}"),
        environment=environment,
    )
    service = project.services["web-tier"]
    assert (project.name, service.port) == ("shop", 81)
    assert service.environments["local"].load_balancer == LocalBalancer(listen="127.0.0.1:8005")
    assert project.recipe(NODEJS).tests == ("echo ${HOME}",)


@pytest.mark.parametrize(
    ("written", "meant"), [('"[::1]:80"', "[::1]:80"), ("localhost:80", "127.0.0.1:80"), ('"0.0.0.0:80"', "0.0.0.0:80")]
)
def test_a_balancer_listens_on_ipv4_ipv6_or_this_computer_alone(
    load_text: Load, good: str, written: str, meant: str
) -> None:
    project = load_text(good, ("listen: 127.0.0.1:8000", f"listen: {written}"))
    where = project.services["web-tier"].environments["local"]
    assert where.load_balancer == LocalBalancer(listen=meant)


def test_an_empty_variable_takes_the_default(load_text: Load, good: str) -> None:
    changed = ("project: hello", "project: ${NAME:-shop}")
    assert load_text(good, changed, environment={"NAME": ""}).name == "shop"


def test_anchors_and_merges(load_text: Load, good: str) -> None:
    text = good + "      second: {<<: *shared, load_balancer: {listen: 127.0.0.1:8001}, size: 3}\n"
    project = load_text(text, ("      local:\n        cloud", "      local: &shared\n        cloud"))
    second = project.services["web-tier"].environments["second"]
    assert (second.size.minimum, second.load_balancer) == (3, LocalBalancer(listen="127.0.0.1:8001"))


@pytest.mark.parametrize(("state", "directory_name"), [("gs://bucket/x", ".phoenix"), ("var/state", "var/state")])
def test_where_the_state_is(load_text: Load, good: str, directory: Path, state: str, directory_name: str) -> None:
    project = load_text(good, ("clouds:", f"state: {state}\nclouds:"))
    assert project.state_directory == directory / directory_name
    assert project.state == (state if "://" in state else str(directory / state))


def test_the_mirror_may_be_named(load_text: Load, good: str) -> None:
    cloud = load_text(good, ("{kind: local}", "{kind: local, mirror: 'http://mirror.example/debian/'}")).clouds["local"]
    assert isinstance(cloud, LocalCloud)
    assert cloud.mirror == "http://mirror.example/debian"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        load(tmp_path, {})


def test_an_environment_overrides_settings_packages_and_hooks_key_by_key(
    load_text: Load, good: str, directory: Path
) -> None:
    (directory / "smoke.sh").touch(mode=0o755)
    own = """settings: {GREETING: Hello there, EXTRA: 0644}
        packages: [{name: hello, version: 1.2.3}, world]
        hooks: {after_traffic: [./smoke.sh], on_abort: []}
        size"""
    service_hooks = "hooks: {before_traffic: ['true'], on_abort: ['false']}\n    drain"
    project = load_text(good, ("        size", f"        {own}"), ("    drain", f"    {service_hooks}"))
    service = project.services["web-tier"]
    there = service.at(service.environments["local"])
    assert there.settings == {"GREETING": "Hello there", "EXTRA": "0644"}
    assert [(each.name, each.version) for each in there.packages] == [("hello", "1.2.3"), ("world", None)]
    assert [hook.command for hook in there.hooks.before_traffic] == ["true"]
    assert [hook.command for hook in there.hooks.after_traffic] == ["./smoke.sh"]
    assert there.hooks.on_abort == ()
    assert service.settings == {"GREETING": "Hello"}, "the service's own are as they were"
    assert service.environments["local"].own == (
        "settings EXTRA, GREETING",
        "packages hello=1.2.3, world",
        "hooks after_traffic, on_abort",
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("drain: 30s", Timeouts(connect=5.0, response=60.0, idle=60.0)),
        ("drain: 10m", Timeouts(connect=5.0, response=600.0, idle=60.0)),
        ("drain: 90d", Timeouts(connect=5.0, response=7 * 86400.0, idle=60.0)),
        ("drain: 2m\n    timeouts: {}", Timeouts(connect=5.0, response=120.0, idle=60.0)),
        (
            "drain: 2m\n    timeouts: {connect: 1s, response: 3m, idle: 10s}",
            Timeouts(connect=1.0, response=180.0, idle=10.0),
        ),
    ],
)
def test_the_balancer_gives_up_no_request_that_drain_would_spare(load_text: Load, written: str, read: Timeouts) -> None:
    project = load_text(GOOD, ("drain: 30s", written))
    assert project.services["web-tier"].limits == read


def test_what_a_local_balancer_lets_pass(load_text: Load) -> None:
    more = "{listen: 127.0.0.1:8000, headers: 32K, forwarded: append}"
    project = load_text(GOOD, ("{listen: 127.0.0.1:8000}", more), ("drain: 30s", "conffiles: new\n    drain: 30s"))
    service = project.services["web-tier"]
    assert service.environments["local"].load_balancer == LocalBalancer(
        listen="127.0.0.1:8000", headers=32 * 1024, forwarded=Forwarded.APPEND
    )
    assert service.new_conffiles
    kept = load_text(GOOD, ("drain: 30s", "conffiles: keep\n    drain: 30s")).services["web-tier"]
    assert not kept.new_conffiles
