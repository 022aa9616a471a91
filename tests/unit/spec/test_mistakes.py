"""What is wrong with a file is told all at once, with line, path and what would be accepted."""

from pathlib import Path

import pytest

from phoenix.spec.load import load
from phoenix.spec.mistakes import MistakesError
from tests.unit.spec.conftest import Mistakes

WEB = "services.web-tier"
LOCAL = f"{WEB}.environments.local"


def test_ten_mistakes_give_ten_messages(mistakes: Mistakes) -> None:
    found = mistakes(
        ("project: hello", "project: Hello"),
        ("distribution: bookworm", "distributon: bookworm"),
        ("max_age: 7d", "max_age: 7 days"),
        ("{os: debian-12", "{os: debian-11"),
        ("foundation: nodejs", "immutable: nodejs"),
        ("drain: 30s", "drain: 30"),
        ("cloud: local", "cloud: locl"),
        ("memory: 512M", "memory: 512MB"),
        ("kind: blue-green", "kind: purple"),
        ("port: 8080", "port: 80800"),
    )
    places = [line.split(": ")[:2] for line in found]
    assert places == [
        ["2", "project"],
        ["6", "repositories.main.distribution"],
        ["6", "repositories.main.distributon"],
        ["13", "images.os.debian-12.max_age"],
        ["15", "images.foundation.nodejs.os"],
        ["17", "images.immutable.hello"],
        ["17", "images.immutable.hello.immutable"],
        ["23", f"{WEB}.port"],
        ["25", f"{WEB}.drain"],
        ["28", f"{LOCAL}.cloud"],
        ["30", f"{LOCAL}.machine.memory"],
        ["32", f"{LOCAL}.strategy"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: 2", "1: version: 2 is not accepted; accepted: 1"),
        ("{kind: local}", "{kind: locl}", "4: clouds.local: kind 'locl' is not accepted; accepted: local, gcp, aws"),
        ("{kind: local}", "{machines: qemu}", "4: clouds.local: `kind` is missing; accepted: aws, gcp, local"),
        ("{kind: local}", "{kind: local, machine: qemu}", "4: clouds.local.machine: unknown key; nearest: machines"),
        ("{kind: local}", "{kind: local, machines: kvm}", "accepted: auto, qemu, light"),
        ("{kind: local}", "local", "4: clouds.local: must be a mapping"),
        ("url: http://127.0.0.1:9999", "url: ftp://x", "'ftp://x' is no address; accepted: http://HOST:PORT/PATH"),
        ("base: {local: bookworm}", "base: {lokal: x}", "images.os.debian-12.base.lokal: unknown key; nearest: local"),
        ("base: {local: bookworm}", "base: {}", "images.os.debian-12.base: has no base for local, but web-tier in"),
        ("      base: {local: bookworm}\n", "      os: x\n", "an os image has no parent: it starts from `base`"),
        ("{os: debian-12, ", "{foundation: nodejs, ", "only baked onto one of a lower type; a foundation image onto"),
        ("{os: debian-12, ", "{base: {local: x}, os: debian-12, ", "15: images.foundation.nodejs.base: only os images"),
        ("foundation: nodejs, ", "", "17: images.immutable.hello: has no parent; accepted: one of `foundation: NAME`"),
        ("foundation: nodejs, ", "foundation: nodejs, os: debian-12, ", "images.immutable.hello: has two parents"),
        ("foundation: nodejs, ", "immutable: hello, ", "an image is only baked onto one of a lower type"),
        ("playbook: stack.yml", "playbook: stak.yml", "there is no playbook 'stak.yml' in playbooks/ of the project"),
        ("playbook: stack.yml", "playbook: ../x.yml", "'../x.yml' is no playbook; accepted: the name of a file in"),
        ('tests: ["node --version"]', "tests: node", "15: images.foundation.nodejs.tests: must be a list"),
        ("max_age: 7d", "max_age: 7", "13: images.os.debian-12.max_age: 7 is no duration; accepted: a number with s"),
        ("max_age: 7d", "max_age:", "13: images.os.debian-12.max_age: has no value; give one or take the key out"),
        ("debian-12:\n", "Debian:\n", "9: images.os.Debian: 'Debian' is no name; accepted: lower-case"),
        ("image: foundation/nodejs", "image: foundation/nodjs", "there is no image 'foundation/nodjs'; nearest: foun"),
        ("image: foundation/nodejs", "image: nodejs", "accepted: os/NAME, foundation/NAME, immutable/NAME"),
        ("port: 8080", "foundation: nodejs", "foundation/nodejs has its stack already; accepted: only beside an os"),
        ("port: 8080", 'port: "8080"', f"23: {WEB}.port: must be a whole number"),
        ("port: 8080", "port: 0", f"23: {WEB}.port: 0 is too small; accepted: 1 and more"),
        ("port: 8080\n", "\n", f"{WEB}.port: is missing: TCP port it listens on."),
        ("health: /healthz", "health: healthz", "'healthz' is no path"),
        ("health: /healthz", "health: {interval: 0s}", f"{WEB}.health.interval: must be longer than 0s"),
        (
            "GREETING: Hello",
            "GREETING: '${HOME}'",
            f"22: {WEB}.settings.GREETING: ${{...}} is not accepted in settings",
        ),
        ("GREETING: Hello", "a-b: Hello", "'a-b' is no name of a setting"),
        ("GREETING: Hello", "A: [1]", f"22: {WEB}.settings.A: must be text"),
        (
            "GREETING: Hello",
            f"GREETING: {'x' * 300_000}",
            f"22: {WEB}.settings.GREETING: it has 300009 bytes with its name; with more than 131071 no program",
        ),
        (
            "size: 2",
            "settings: {A: '${HOME}'}\n        size: 2",
            f"29: {LOCAL}.settings.A: ${{...}} is not accepted in settings",
        ),
        ("size: 2", "packages: [{name: x, repository: y}]\n        size: 2", "there is no repository 'y'"),
        (
            "size: 2",
            "hooks: {on_abort: [./no.sh]}\n        size: 2",
            f"{LOCAL}.hooks.on_abort[0]: there is no file ./no.sh",
        ),
        ("drain: 30s", "hooks: {before_trafic: []}", "unknown key; nearest: before_traffic"),
        ("drain: 30s", "hooks: {on_abort: [./no.sh]}", f"25: {WEB}.hooks.on_abort[0]: there is no file ./no.sh"),
        (
            "drain: 30s",
            "hooks: {on_abort: ['./phoenix.yaml -x']}",
            f"25: {WEB}.hooks.on_abort[0]: ./phoenix.yaml may not be executed: `chmod +x ./phoenix.yaml`",
        ),
        ("drain: 30s", "min_healthy: 120%", "'120%' is no share; accepted: 0% to 100%"),
        (
            "drain: 30s",
            "drain: 90s\n    timeouts: {response: 60s}",
            f"26: {WEB}.timeouts.response: 60s is shorter than drain, so that requests would be cut which drain (90s) "
            "spares; accepted: 90s or longer, or a shorter drain",
        ),
        ("drain: 30s", "timeouts: {response: 20s}", "20s is shorter than drain, so that requests would be cut"),
        ("drain: 30s", "timeouts: {idle: 0s}", f"25: {WEB}.timeouts.idle: must be longer than 0s"),
        (
            "drain: 30s",
            "timeouts: {connect: 8d}",
            f"25: {WEB}.timeouts.connect: is too long for a time limit; accepted",
        ),
        ("drain: 30s", "timeouts: {respond: 5s}", "unknown key; nearest: response"),
        ("drain: 30s", "conffiles: old", f"25: {WEB}.conffiles: 'old' is not accepted; accepted: keep, new"),
        (
            "    image: foundation/nodejs\n",
            "    image: immutable/hello\n    conffiles: new\n",
            f"{WEB}.conffiles: machines install nothing, for immutable/hello has its packages baked in; accepted: keep",
        ),
        (
            "listen: 127.0.0.1:8000",
            "listen: 127.0.0.1:8000, headers: 1M",
            f"31: {LOCAL}.load_balancer.headers: 1048576 bytes are no size of headers; accepted: 4K to 256K",
        ),
        (
            "listen: 127.0.0.1:8000",
            "listen: 127.0.0.1:8000, forwarded: both",
            f"31: {LOCAL}.load_balancer.forwarded: 'both' is not accepted; accepted: replace, append",
        ),
        ("listen: 127.0.0.1:8000", "headers: 32K", f"31: {LOCAL}.load_balancer: says not where, on a local cloud"),
        ("drain: 30s", "orphan: kill", "'kill' is not accepted; accepted: abort, resume"),
        (
            "size: 2",
            "size: {min: 2, max: 4}",
            f"29: {LOCAL}.size: the local cloud has no autoscaler; accepted: a number",
        ),
        ("size: 2", "size: 0", f"29: {LOCAL}.size: 0 is too small"),
        (
            "cpus: 1",
            "type: t3.small",
            f"30: {LOCAL}.machine.type: a machine of a local cloud has no type; accepted: cp",
        ),
        ("listen: 127.0.0.1:8000", "listener: x", f"31: {LOCAL}.load_balancer.listener: does not belong to a local"),
        (
            "listen: 127.0.0.1:8000",
            'listen: "::1:8000"',
            f"31: {LOCAL}.load_balancer.listen: '::1:8000' is no address; accepted: IP:PORT such as 127.0.0.1:8000, "
            "localhost:8000 or [::1]:8000",
        ),
        ("listen: 127.0.0.1:8000", "listen: 8000", f"31: {LOCAL}.load_balancer.listen: must be text"),
        ("{kind: blue-green, keep: 30m}", "{kind: rolling, step: 0%}", "'0%' is no step; accepted: a number of machin"),
        ("{kind: blue-green, keep: 30m}", "{kind: canary, steps: [50, 5]}", "[50, 5] must grow and end with 100"),
        ("{kind: blue-green, keep: 30m}", "{kind: canary, steps: [100], hold: [5]}", "5 is none of the steps"),
        ("project: hello", "project: ${NOBODY}", "2: project: the environment variable NOBODY is not set"),
        ("project: hello", "project: ${a b}", "2: project: a reference is ${NAME} or ${NAME:-default}"),
        ("project: hello", "project: hello\nproject: again", "3: project: this key stands twice, first in line 2"),
        (
            "project: hello",
            "project: !!binary aGVsbG8=",
            "2: project: the tag tag:yaml.org,2002:binary is not accepted",
        ),
        ("project: hello", "project: &a [*a]", "an alias must not contain itself"),
        ("project: hello", "project: hello\n? [a]\n: b", "3: a key must be text"),
        ("clouds:\n", "cluods: {}\nclouds:\n", "3: cluods: unknown key; nearest: clouds"),
        ("clouds:\n", "state: ftp://x\nclouds:\n", "is no place for the state; accepted: a directory, s3://"),
    ],
)
def test_a_mistake_and_its_message(mistakes: Mistakes, old: str, new: str, message: str) -> None:
    found = mistakes((old, new))
    assert any(message in line for line in found), found


def test_several_repositories_need_a_name_for_each_package(mistakes: Mistakes) -> None:
    found = mistakes(("images:", "  other: {distribution: bookworm, root: x, url: http://127.0.0.1:1}\nimages:"))
    wish = "does not say from which repository; accepted: {name: ..., repository: main|other}"
    assert found == [f"18: images.immutable.hello.packages[0]: {wish}", f"22: {WEB}.packages[0]: {wish}"]


def test_an_unknown_repository(mistakes: Mistakes) -> None:
    found = mistakes(("packages: [hello]}", "packages: [{name: hello, repository: mian}]}"))
    assert found == ["17: images.immutable.hello.packages[0].repository: there is no repository 'mian'; nearest: main"]


def test_two_repositories_have_nothing_in_common(mistakes: Mistakes) -> None:
    found = mistakes(("images:", "  other: {distribution: trixie, url: http://127.0.0.1:9999/}\nimages:"))
    assert [line.split(": ", 1)[1] for line in found if "already" in line] == [
        "repositories.other.root: .phoenix/aptly is the root of repository main already",
        "repositories.other.url: http://127.0.0.1:9999/ is the url of repository main already",
    ]


def test_service_and_environment_fit_into_every_name(mistakes: Mistakes) -> None:
    found = mistakes(("web-tier:", "web-tier-with-a-long-name:"))
    where = "services.web-tier-with-a-long-name.environments.local"
    assert found == [f"27: {where}: service and environment together have 30 characters; accepted: 26"]


def test_two_services_cannot_have_groups_of_one_name(mistakes: Mistakes, good: str) -> None:
    """Group names, balancers and group verbs would meet: `web-tier-local-v001` is whose?"""
    there = good[good.index("  web-tier:") :]
    other = (
        there.replace("  web-tier:", "  web:").replace("      local:", "      tier-local:").replace(":8000", ":8001")
    )
    place = "41: services.web.environments.tier-local"
    meets = "its groups would be called as those of web-tier in environment local: web-tier-local-vNNN"
    assert mistakes(text=good + other) == [f"{place}: {meets}; accepted: another name for one of them"]


def test_two_environments_cannot_listen_at_one_address(mistakes: Mistakes, good: str) -> None:
    text = good + "      second: {cloud: local, size: 1, load_balancer: {listen: 127.0.0.1:8000}}\n"
    place = f"33: {WEB}.environments.second.load_balancer.listen"
    assert mistakes(text=text) == [f"{place}: 127.0.0.1:8000 is the address of web-tier in environment local already"]


def test_a_stack_that_is_installed_at_boot(mistakes: Mistakes) -> None:
    image = ("image: foundation/nodejs", "image: os/debian-12\n    foundation: nodjs")
    assert mistakes(image) == [f"21: {WEB}.foundation: there is no foundation image 'nodjs'; nearest: nodejs"]
    other = ("  foundation:\n", "    debian-13: {base: {local: trixie}}\n  foundation:\n")
    image = ("image: foundation/nodejs", "image: os/debian-13\n    foundation: nodejs")
    assert mistakes(other, image) == [
        f"22: {WEB}.foundation: foundation/nodejs is for os/debian-12, not for os/debian-13"
    ]


def test_what_the_other_clouds_need(mistakes: Mistakes, good: str) -> None:
    text = good.replace("  local: {kind: local}\n", "  local: {kind: gcp, project: acme-prod, region: us-central1}\n")
    text = text.replace("http://127.0.0.1:9999", "https://apt.acme.internal")
    machine = "accepted: type, disk, identity, scopes, firewall, public_ip, spot"
    balancer = "accepted: {url_map: NAME, route: default} or {backend_service: NAME}"
    used = "has no base for gcp, but web-tier in environment local starts from it on a gcp cloud"
    assert mistakes(text=text) == [
        f"10: images.os.debian-12.base: {used}",
        f"30: {LOCAL}.machine: a machine of a gcp cloud needs its type; accepted: {{type: NAME}}",
        f"30: {LOCAL}.machine.cpus: a machine of a gcp cloud has no cpus; {machine}",
        f"30: {LOCAL}.machine.memory: a machine of a gcp cloud has no memory; {machine}",
        f"31: {LOCAL}.load_balancer: says not where, on a gcp cloud; {balancer}",
        f"31: {LOCAL}.load_balancer.listen: does not belong to a gcp cloud; {balancer}",
    ]


def test_how_images_are_verified_is_said_of_local_machines_only(mistakes: Mistakes, good: str) -> None:
    cloud = "        cloud: local\n"
    assert good.count(cloud) >= 1
    text = good.replace(cloud, f"{cloud}        verify: kvm\n", 1)
    (mistake,) = mistakes(text=text)
    assert "light" in mistake
    assert "qemu" in mistake
    other = good.replace("  local: {kind: local}\n", "  local: {kind: gcp, project: acme-prod, region: us-central1}\n")
    found = mistakes(text=other.replace(cloud, f"{cloud}        verify: light\n", 1))
    assert [each for each in found if ".verify: images of a gcp cloud" in each]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: the file is empty"),
        ("# only a comment\n", "1: the file is empty"),
        ("- a\n- b\n", "1: the file must be a mapping"),
        ("hello", "1: the file must be a mapping"),
        ("version: 1\nproject: [a\n", "not YAML"),
        ("version: 1\nclouds:\n\tlocal: {kind: local}\n", "3: not YAML"),
        ("version: 1\n---\nversion: 1\n", "not YAML"),
        ("a: *nowhere\n", "1: not YAML"),
        ("a: {b: ${C}}\n", "a value with ${...} needs quotes"),
        ("a: " + "[" * 60 + "]" * 60, "1: nested deeper than 50 levels"),
        ("a: \x07\n", "1: not YAML"),
        ("x" * 1024 * 1024 + "y", "1: the file is larger than 1 MiB"),
    ],
)
def test_what_is_no_phoenix_yaml_at_all(mistakes: Mistakes, text: str, message: str) -> None:
    found = mistakes(text=text)
    assert len(found) == 1
    assert message in found[0]


def test_tabs_are_named(mistakes: Mistakes) -> None:
    assert "not tabs" in mistakes(text="version: 1\nclouds:\n\tlocal: {kind: local}\n")[0]


def test_binary_is_no_text(directory: Path) -> None:
    file = directory / "phoenix.yaml"
    file.write_bytes(b"version: 1\nproject: \xff\xfe\n")
    with pytest.raises(MistakesError, match=r"phoenix\.yaml:2: this is not text in UTF-8"):
        load(file, {})


def test_aliases_cannot_make_a_small_file_huge(mistakes: Mistakes) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert mistakes(text="\n".join(lines)) == ["1: more than 50000 values"]


def test_aliases_cannot_nest_without_end(mistakes: Mistakes) -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    assert any("nested deeper" in line for line in mistakes(text="\n".join(lines)))
