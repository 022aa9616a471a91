"""The shipped playbooks on a real Debian, in a chroot: what they leave, that twice is once, and how they fail."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import apt_cache, chroot_builder, trees
from phoenix.errors import ToolError
from phoenix.execute import workspace
from phoenix.model import Repository
from phoenix.spec.images import Variable
from phoenix.tools import ansible, fence, loopback, process
from phoenix.tools.process import Command, Completed
from tests.support.real.laid_out import lay_out, write_site
from tests.support.real.repository_bench import Bench, bench

TIMEOUT = 500.0
RECAP = re.compile(r"^builder +: ok=\d+ +changed=(\d+) .*failed=(\d+)", re.MULTILINE)
TWICE = ("unseal.yml", ansible.RECIPE, ansible.RECIPE, "seal.yml", "seal.yml")
"""A bake with everything done twice that can be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A tree to work on, through an overlay, and a directory for all that comes of it."""

    below: Path
    directory: Path
    reach: tuple[int, ...] = ()

    def entered(self, command: Command) -> Command:
        """`command` beside the tree, as the chroot builder does; what it writes stays in `upper`."""
        for name in ("work", "apt"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
        return fence.around(chroot_builder.lay_out(self.below, self.directory, self.directory, self.reach), command)

    def run(self, command: Command) -> Completed:
        """Run `command` to its end, good or bad."""
        done = process.run(self.entered(command), timeout=TIMEOUT, log=self.directory / "log", check=False)
        apt_cache.take_back(self.directory / "apt")
        return done

    def shell(self, script: str) -> str:
        """What `script` prints when it is run inside, without its last end of line."""
        done = self.run(fence.inside("sh", "-euc", script))
        assert done.code == 0, done.stderr
        return done.stdout

    def flat(self) -> Path:
        """The tree that came of it."""
        tree = self.directory / "tree"
        trees.flatten(self.below, self.directory / "upper", tree)
        return tree

    def reaching(self, repository: Bench) -> Place:
        """The same, from where the repository is reached."""
        return replace(self, reach=loopback.ports([repository.here.url]))


def play(place: Place, laid_out: Path, playbooks: tuple[str, ...]) -> list[int]:
    """Run the playbooks one after the other; how many tasks of each changed something."""
    commands = [ansible.chroot_command(laid_out, place.below, playbook) for playbook in playbooks]
    script = " && ".join(shlex.join(command.argv) for command in commands)
    done = place.run(Command(argv=("sh", "-c", script), cwd=commands[0].cwd, environment=commands[0].environment))
    assert done.code == 0, ansible.failure_of(done.stdout, done.stderr, None)
    return [int(changed) for changed, failed in RECAP.findall(done.stdout) if failed == "0"]


@pytest.fixture(scope="module")
def os_place(base_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The `os` layer, just baked."""
    directory = tmp_path_factory.mktemp("os")
    place = Place(below=base_tree, directory=directory)
    variables: dict[str, Variable] = {"timezone": "Europe/Zurich", "os_packages": ["less"]}
    changed = play(place, lay_out(directory, "os.yml", variables), TWICE)
    assert changed[1] > 0
    assert (changed[2], changed[4]) == (0, 0), "a second run changes nothing"
    return place


@pytest.fixture(scope="module")
def os_tree(os_place: Place) -> Path:
    return os_place.flat()


@pytest.fixture
def on_os(os_tree: Path, tmp_path: Path) -> Place:
    return Place(below=os_tree, directory=tmp_path)


def test_the_os_layer_is_hardened(os_tree: Path, on_os: Place) -> None:
    assert (os_tree / "etc/localtime").readlink() == Path("/usr/share/zoneinfo/Europe/Zurich")
    assert (os_tree / "etc/timezone").read_text() == "Europe/Zurich\n"
    units = os_tree / "etc/systemd/system"
    assert (units / "ssh.service.wants/phoenix-ssh-host-key.service").is_symlink()
    assert (units / "timers.target.wants/phoenix-time-sync.timer").is_symlink()
    assert not (units / "sysinit.target.wants/systemd-timesyncd.service").is_symlink(), "it would delay every boot"
    assert (units / "apt-daily-upgrade.timer").readlink() == Path("/dev/null")
    configured = on_os.shell(
        "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; mkdir /run/sshd; sshd -T;"
        " apt-config dump; less --version; ansible-playbook --version"
    )
    for expected in (
        "passwordauthentication no",
        "permitrootlogin without-password",
        "hostkey /etc/ssh/ssh_host_ed25519_key",
        'APT::Periodic::Enable "0"',
        "ansible-playbook [core 2.14",
    ):
        assert expected in configured
    assert "ssh_host_rsa_key" not in configured


def test_nothing_of_a_machine_or_of_the_bake_is_left(os_tree: Path) -> None:
    assert (os_tree / "etc/machine-id").read_bytes() == b""
    assert list((os_tree / "etc/ssh").glob("ssh_host_*")) == []
    assert [path for path in (os_tree / "var/log").rglob("*") if path.is_file() and not path.is_symlink()] == []
    for emptied in ("var/lib/apt/lists", "var/cache/apt/archives", "tmp", "var/tmp"):
        assert list((os_tree / emptied).iterdir()) == []
    for gone in ("usr/sbin/policy-rc.d", "root/.ansible", "root/.cache", "var/cache/apt/pkgcache.bin"):
        assert not (os_tree / gone).exists()
    assert list((os_tree / "etc").rglob("*phoenix-bake*")) == []
    assert (os_tree / "etc/resolv.conf").read_text() == "nameserver 10.0.2.3\n"


@pytest.mark.parametrize(
    ("playbook", "variables", "proof"),
    [
        ("nodejs.yml", {}, "node --version; id nodejs; getent passwd nodejs | grep /usr/sbin/nologin"),
        pytest.param(
            "tomcat.yml",
            {"tomcat_java_options": '-Dx="50%"'},
            "systemctl is-enabled tomcat10; grep -F '\\\"50%%\\\"' /etc/systemd/system/tomcat10.service.d/*.conf",
            marks=pytest.mark.full,
        ),
        pytest.param("java.yml", {}, "java -version 2>&1; id java", marks=pytest.mark.full),
        pytest.param(
            "nginx.yml",
            {"nginx_upstream": "http://127.0.0.1:3000"},
            "nginx -T 2>&1 | grep 'proxy_pass http://127.0.0.1:3000'; systemctl is-enabled nginx",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "redis.yml",
            {"redis_memory": "8mb"},
            "redis-server /etc/redis/redis.conf --daemonize no --supervised no & sleep 1;"
            " redis-cli config get maxmemory | grep 8388608; redis-cli shutdown; systemctl is-enabled redis-server",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "nginx.yml",
            {"log_shipper_target": "logs.acme.internal", "log_shipper_files": ["/var/log/nginx/*.log"]},
            "rsyslogd -N1 2>&1; grep -F 'logs.acme.internal' /etc/rsyslog.d/30-phoenix.conf",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "redis.yml",
            {"log_shipper_target": "logs.acme.internal", "log_shipper_tls": True},
            "rsyslogd -N1 2>&1; grep -F 'streamDriver=\"gtls\"' /etc/rsyslog.d/30-phoenix.conf",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "java.yml",
            {"log_shipper_target": "logs.acme.internal", "log_shipper_kind": "journal-upload"},
            "systemctl is-enabled systemd-journal-upload; cat /etc/systemd/journal-upload.conf.d/phoenix.conf",
            marks=pytest.mark.full,
        ),
    ],
)
def test_a_foundation_is_there_and_twice_is_once(
    on_os: Place, playbook: str, variables: dict[str, Variable], proof: str
) -> None:
    changed = play(on_os, lay_out(on_os.directory, playbook, variables), TWICE)
    assert changed[1] > 0
    assert (changed[2], changed[4]) == (0, 0), "a second run changes nothing"
    assert on_os.shell(proof) != ""


def test_a_machine_of_type_os_runs_the_playbook_itself(on_os: Place) -> None:
    target = on_os.directory / "upper/usr/share/boot"
    workspace.lay_out_boot(on_os.directory / "project", "nodejs.yml", {}, target)
    once = "HOME=/root ansible-playbook --connection=local --inventory=localhost, --extra-vars @variables.json"
    told = on_os.shell(
        f"apt-get -qq update; cd /usr/share/boot; {once} phoenix.yml; {once} phoenix.yml; node --version"
    )
    assert [line.split()[3] for line in told.splitlines() if line.startswith("localhost ")] == [
        "changed=2",
        "changed=0",
    ]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A signed repository with two versions of a package that has a service."""
    directory = tmp_path_factory.mktemp("published")
    with bench(directory) as made:
        made.publish(*(make_deb(directory, version) for version in ("1.0.0", "2.0.0")))
        yield made


def build_deb(directory: Path, name: str, version: str) -> Path:
    """A package of what is in `directory`/NAME-VERSION."""
    tree = directory / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n"
    )
    file = directory / f"{name}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(file)], check=True, capture_output=True)
    return file


def make_deb(directory: Path, version: str) -> Path:
    """A package whose unit nobody enables; its maintainer script writes down whether it might have been started."""
    tree = directory / f"web-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    postinst = tree / "DEBIAN/postinst"
    postinst.write_text("#!/bin/sh\n/usr/sbin/policy-rc.d web start || echo $? > /policy\n")
    postinst.chmod(0o755)
    for unit in ("web.service", "web@.service"):
        (tree / "lib/systemd/system").mkdir(parents=True, exist_ok=True)
        (tree / "lib/systemd/system" / unit).write_text(
            "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
        )
    return build_deb(directory, "web", version)


def test_exact_packages_are_installed_enabled_and_not_started(on_os: Place, published: Bench) -> None:
    on_os = on_os.reaching(published)
    laid_out = lay_out(on_os.directory, None, {}, ("web=1.0.0",), published.here)
    changed = play(on_os, laid_out, TWICE)
    assert changed[1] == 4
    assert (changed[2], changed[4]) == (0, 0), "a second run changes nothing"
    assert on_os.shell("dpkg-query -W web; systemctl is-enabled web.service") == "web\t1.0.0\nenabled"
    tree = on_os.flat()
    assert (tree / "policy").read_text() == "101\n", "action forbidden by policy"
    assert list((tree / "etc/apt/sources.list.d").glob("phoenix-*")) == [], "how the builder reached it"


def test_a_package_that_the_key_did_not_sign_is_not_taken(on_os: Place, published: Bench) -> None:
    on_os = on_os.reaching(published)
    here = published.here
    other = Repository(name=here.name, url=here.url, distribution=here.distribution, key="-- no key --")
    laid_out = lay_out(on_os.directory, None, {}, ("web=1.0.0",), other)
    with pytest.raises(ToolError, match=r"failed at the task 'app : Read the indexes of the repositories'") as caught:
        bake(on_os, laid_out)
    assert published.here.url in caught.value.details


def bake(place: Place, laid_out: Path) -> None:
    """Bake as the chroot builder does."""
    command = place.entered(ansible.chroot_command(laid_out, place.below))
    ansible.run(command, log=place.directory / "log", say=lambda _task: None, timeout=TIMEOUT)


def test_node_js_comes_from_the_source_that_is_given(on_os: Place, published: Bench) -> None:
    on_os = on_os.reaching(published)
    deb = build_deb(published.directory, "nodejs", "99.0.0")
    published.publish(deb)
    variables: dict[str, Variable] = {
        "nodejs_source_url": published.here.url,
        "nodejs_source_key": published.here.key,
        "nodejs_source_distribution": published.here.distribution,
    }
    changed = play(on_os, lay_out(on_os.directory, "nodejs.yml", variables), TWICE)
    assert (changed[2], changed[4]) == (0, 0), "a second run changes nothing"
    assert on_os.shell("dpkg-query -W nodejs") == "nodejs\t99.0.0"


@pytest.mark.parametrize(
    ("variables", "task", "why"),
    [
        ({"nodejs_source_url": "http://127.0.0.1:9/"}, "Refuse a source without its key", "nodejs_source_key"),
        (
            {"nodejs_source_url": "http://127.0.0.1:9/", "nodejs_source_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----"},
            "Read the index of the source",
            "127.0.0.1",
        ),
        ({"nodejs_packages": {"a": 1}}, "check the variables", "cannot be converted to a list"),
        ({"nodejs_packages": ["nonesuch-package"]}, "Install node.js", "No package matching 'nonesuch-package'"),
    ],
)
def test_a_wrong_variable_is_told(on_os: Place, variables: dict[str, Variable], task: str, why: str) -> None:
    with pytest.raises(ToolError) as caught:
        bake(on_os, lay_out(on_os.directory, "nodejs.yml", variables))
    assert caught.value.brief == f"the playbook failed at the task 'nodejs : {task}'"
    assert why in caught.value.details


def test_a_package_that_is_not_there_is_told(on_os: Place, published: Bench) -> None:
    on_os = on_os.reaching(published)
    laid_out = lay_out(on_os.directory, None, {}, ("web=9.9",), published.here)
    with pytest.raises(ToolError) as caught:
        bake(on_os, laid_out)
    assert caught.value.brief == "the playbook failed at the task 'app : Install the packages'"
    assert "no available installation candidate for web=9.9" in caught.value.details
    assert str(on_os.directory / "log") in caught.value.resolution


@pytest.mark.parametrize(
    ("task", "brief", "details"),
    [
        (
            "- name: Fail\n      ansible.builtin.command: sh -c 'echo why >&2; exit 7'",
            "the playbook failed at the task 'Fail'",
            "site.yml:5:7\nnon-zero return code\nwhy",
        ),
        ("- debug: {msg: '{{ nonesuch }}'}", "the playbook failed at the task 'debug'", "'nonesuch' is undefined"),
    ],
)
def test_a_failing_task_is_told_with_file_line_and_reason(on_os: Place, task: str, brief: str, details: str) -> None:
    write_site(on_os.directory, f"- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n    {task}\n")
    with pytest.raises(ToolError) as caught:
        bake(on_os, lay_out(on_os.directory, "site.yml"))
    assert caught.value.brief == brief
    assert details in caught.value.details


@pytest.mark.full
@pytest.mark.parametrize(("kind", "package"), [("fluent-bit", "fluent-bit"), ("fluentd", "fluent-package")])
def test_a_shipper_comes_from_the_source_of_its_makers(on_os: Place, published: Bench, kind: str, package: str) -> None:
    """A package of that name with a unit of that name: what is proven is the way, not the program."""
    on_os = on_os.reaching(published)
    unit = published.directory / f"{package}-99.0.0/lib/systemd/system/{kind}.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
    published.publish(build_deb(published.directory, package, "99.0.0"))
    variables: dict[str, Variable] = {
        "log_shipper_target": "logs.acme.internal",
        "log_shipper_kind": kind,
        "log_shipper_files": ["/var/log/nginx/access.log"],
        "log_shipper_source_url": published.here.url,
        "log_shipper_source_key": published.here.key,
        "log_shipper_source_distribution": published.here.distribution,
    }
    changed = play(on_os, lay_out(on_os.directory, "nginx.yml", variables), TWICE)
    assert (changed[2], changed[4]) == (0, 0), "a second run changes nothing"
    said = on_os.shell(f"systemctl is-enabled {kind}; cat /etc/{kind}/{kind}.conf /etc/fluent/fluentd.conf || true")
    assert "logs.acme.internal" in said
    assert "/var/log/nginx/access.log" in said


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"log_shipper_kind": "fluentd"}, "Debian has no fluentd"),
        ({"log_shipper_kind": "journal-upload", "log_shipper_files": ["/x"]}, "ships the journal alone"),
        ({"log_shipper_kind": "filebeat"}, "filebeat"),
    ],
)
@pytest.mark.full
def test_a_shipper_that_cannot_be_is_told(on_os: Place, variables: dict[str, Variable], why: str) -> None:
    with pytest.raises(ToolError) as caught:
        bake(on_os, lay_out(on_os.directory, "nginx.yml", {"log_shipper_target": "logs", **variables}))
    assert caught.value.brief.startswith("the playbook failed at the task 'log_shipper : ")
    assert why in caught.value.details
