"""Packages for several architectures beside each other, through the real aptly and apt: machines get their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.errors import RefusedError, SpecError
from phoenix.execute import publication
from phoenix.tools import apt_index, aptly, deb
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.repository_bench import Bench, bench, make_deb


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def hello(shop: Bench, architecture: str, content: str = "") -> Path:
    content = content or f"for {architecture}"
    return make_deb(shop.directory, "hello", "1.0", content=content, architecture=architecture)


def test_machines_get_the_package_of_their_own_architecture(shop: Bench, tmp_path: Path) -> None:
    both = {each: hello(shop, each) for each in ("amd64", "arm64")}
    tool = make_deb(shop.directory, "tool", "2.0")
    alone = make_deb(shop.directory, "alone", "3.0", architecture="arm64")
    done = shop.publish(*both.values(), tool, alone)
    assert done.plan.why == "hello 1.0, hello 1.0 (arm64), tool 2.0, alone 3.0 (arm64) is new"
    assert shop.publish(*both.values(), tool).run is None
    for architecture, file in both.items():
        exact = apt_index.resolve(shop.here, [("hello", None), ("tool", "2.0")], architecture=architecture)
        assert [package.sha256 for package in exact] == [deb.sha256(file), deb.sha256(tool)]
        machine = MachineOfApt(tmp_path / architecture, architecture)
        machine.use(shop.here)
        assert machine.apt_get("update", "--error-on=any")[0] == 0
        code, said = machine.apt_get("install", "--download-only", "hello", "tool")
        assert code == 0, said
        cached = {deb.sha256(each) for each in (machine.root / "var/cache/apt/archives").glob("*.deb")}
        assert cached == {deb.sha256(file), deb.sha256(tool)}
    with pytest.raises(RefusedError) as lacking:
        apt_index.resolve(shop.here, [("alone", None)], architecture="amd64")
    assert lacking.value.details.endswith("; for arm64 it is there, and machines here are amd64")
    (tmp_path / "promoted").mkdir()
    promoted = publication.downloaded(shop.here, [("hello", "1.0"), ("alone", "3.0")], tmp_path / "promoted")
    assert {deb.sha256(each) for each in promoted} == {deb.sha256(each) for each in (*both.values(), alone)}


def test_a_machine_never_has_two_of_one_version(shop: Bench) -> None:
    shop.publish(hello(shop, "amd64"), hello(shop, "arm64"))
    with pytest.raises(RefusedError) as refused:
        shop.publish(hello(shop, "all"))
    assert "is in the repository 'main' already, with other contents" in refused.value.brief
    assert [line.count("(amd64)") + line.count("(arm64)") for line in refused.value.details.splitlines()] == [1, 1]
    with pytest.raises(RefusedError):
        shop.publish(hello(shop, "arm64", "other"))
    with pytest.raises(SpecError) as both:
        publication.checked([hello(shop, "all"), hello(shop, "amd64")])
    assert "are both hello 1.0, with different contents" in both.value.details


def test_a_repository_that_was_begun_without_an_index_for_it(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(aptly, "ARCHITECTURES", ("all", "amd64"))
        shop.publish(hello(shop, "amd64"))
    with pytest.raises(RefusedError) as refused:
        shop.publish(hello(shop, "arm64"))
    assert refused.value.brief == "the repository 'main' has no index for arm64"
    assert "for amd64 alone" in refused.value.details
    shop.publish(make_deb(shop.directory, "hello", "1.1", architecture="amd64"))
    assert shop.shown() == ["hello 1.0", "hello 1.1"]
