"""What `phoenix doctor` finds, without the machine engines (those are tried in tests/integration)."""

import ast
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import phoenix
from phoenix.clouds.local import check
from phoenix.clouds.local.machines.engines import Engine
from phoenix.execute import checkup
from phoenix.manner import State
from phoenix.orders.doctor import doctor
from phoenix.spec.clouds import MachineEngine
from phoenix.tools import toolbox
from tests.support.real.packers import current_packer

SOURCES = Path(phoenix.__file__).parent
EVERYWHERE = {"dpkg", "gpgv", "util-linux"}
"""Packages that no Debian is without."""


def required() -> Iterator[tuple[str, str]]:
    """Each `require("program", "package")` in phoenix."""
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "require":
                names = [each.value for each in node.args if isinstance(each, ast.Constant)]
                if len(names) == 2:
                    yield str(names[0]), str(names[1])


def test_every_program_that_phoenix_requires_is_looked_for() -> None:
    known = {(tool.program, tool.package) for tool in toolbox.TOOLBOX}
    calls = set(required())
    assert calls
    assert calls - known == set()


def test_setup_installs_every_package() -> None:
    lines = (SOURCES.parent / "setup" / "packages.txt").read_text().splitlines()
    installed = {line.split()[0] for line in lines} | EVERYWHERE
    assert {tool.package for tool in toolbox.TOOLBOX} - installed == set()


def test_every_tool_that_is_here_tells_its_version() -> None:
    found = list(checkup.tools(local=True))
    assert [finding.subject for finding in found if finding.state is not State.FINE] == []
    without = [finding.subject for finding in found if not finding.found[0].isdigit()]
    assert without == ["ssh-keygen", "newuidmap"]


def test_a_missing_tool_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolbox, "_PATH", str(tmp_path))
    found = {finding.subject: finding for finding in checkup.tools(local=True)}
    assert found["packer"].state is State.LACK
    assert found["packer"].remedy == "apt-get install packer (Debian 13 has none: take it from its makers)"
    assert found["mmdebstrap"].found == "missing: bootstraps the lowest image layer"
    assert found["runc"].state is State.NOTE
    assert found["runc"].remedy == "apt-get install runc, or machines: qemu"


def test_packer_is_needed_where_other_clouds_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolbox, "_PATH", str(tmp_path))
    found = {finding.subject: finding for finding in checkup.tools(local=True, elsewhere=False)}
    assert (found["packer"].state, found["aptly"].state) == (State.NOTE, State.LACK)
    local = {check.subject: check.state for check in doctor(None, {}, "local").checks}
    far = {check.subject: check.state for check in doctor(None, {}, "gcp").checks}
    assert (local["packer"], far["packer"]) == (State.NOTE, State.LACK)


@pytest.mark.parametrize(
    ("plugins", "state", "found", "lacking"),
    [
        ((), State.NOTE, "1.16.0 with no plugins; bakes for no cloud", "qemu ansible amazon googlecompute"),
        (("qemu",), State.NOTE, "1.16.0 with qemu 1.8.3; bakes for no cloud", "ansible amazon googlecompute"),
        (
            ("ansible", "amazon"),
            State.FINE,
            "1.16.0 with amazon 1.8.3, ansible 1.8.3; bakes for aws",
            "qemu googlecompute",
        ),
        (
            ("ansible", "amazon", "qemu", "googlecompute"),
            State.FINE,
            "1.16.0 with qemu 1.8.3, amazon 1.8.3, googlecompute 1.8.3, ansible 1.8.3; bakes for local, aws, gcp",
            "",
        ),
    ],
)
def test_which_packer_it_is_and_what_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins: tuple[str, ...], state: State, found: str, lacking: str
) -> None:
    current_packer(tmp_path, *plugins)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (told,) = [each for each in checkup.tools(local=False) if each.subject == "packer"]
    assert (told.state, told.found) == (state, found)
    lines = [f"packer plugins install github.com/hashicorp/{name}" for name in lacking.split()]
    assert told.remedy == " && ".join(lines)


def test_debians_packer_has_its_own_plugins() -> None:
    (told,) = [each for each in checkup.tools(local=False) if each.subject == "packer"]
    assert (told.found, told.remedy) == ("1.6.6 with its own plugins; bakes for local, aws", "")


def test_a_cloud_far_away_needs_no_machines_here() -> None:
    programs = {finding.subject for finding in checkup.tools(local=False)}
    assert "packer" in programs
    assert "qemu-system-x86_64" not in programs
    looked_at = {check.subject for check in doctor(None, {}, "gcp").checks}
    assert looked_at == {*programs, "clouds of kind gcp"}, "the file that is not there names no such cloud"


def engine(name: str, works: bool) -> Engine:
    return Engine(name=name, works=works, detail="tried", remedy="" if works else "do this")


@pytest.mark.parametrize(
    ("works", "wanted", "lacks"),
    [
        ({"qemu-tcg", "light"}, MachineEngine.AUTO, []),
        ({"qemu-kvm"}, MachineEngine.AUTO, []),
        ({"qemu-kvm"}, MachineEngine.QEMU, []),
        ({"qemu-tcg"}, MachineEngine.LIGHT, ["engine light"]),
        ({"light"}, MachineEngine.AUTO, ["engine qemu-kvm", "engine qemu-tcg"]),
    ],
)
def test_which_engines_are_needed(works: set[str], wanted: MachineEngine, lacks: list[str]) -> None:
    tried = [engine(name, name in works) for name in ("qemu-kvm", "light", "qemu-tcg")]
    found = list(check.engines(tried, {wanted}))
    assert [finding.subject for finding in found if finding.state is State.LACK] == lacks
    assert all(finding.remedy for finding in found if finding.state is not State.FINE)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(tmp_path), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            return None

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/debian"
        server.shutdown()
        thread.join()


def test_a_mirror_that_answers(mirror: str, tmp_path: Path) -> None:
    suite = tmp_path / "debian" / "dists" / "bookworm"
    suite.mkdir(parents=True)
    (suite / "InRelease").touch()
    assert check.mirror(mirror, "bookworm").state is State.FINE
    assert check.mirror(f"file://{tmp_path}/debian", "bookworm").state is State.FINE


def test_a_mirror_without_the_suite(mirror: str, tmp_path: Path) -> None:
    found = check.mirror(mirror, "bookworm")
    assert found.state is State.LACK
    assert "404" in found.found
    assert check.mirror(f"file://{tmp_path}/debian", "bookworm").state is State.LACK


def test_a_mirror_that_is_not_there(mirror: str) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        port = server.server_address[1]
    found = check.mirror(f"http://127.0.0.1:{port}/debian", "bookworm")
    assert found.state is State.LACK
    assert "Connection refused" in found.found
    assert found.remedy.startswith("name one that answers")
