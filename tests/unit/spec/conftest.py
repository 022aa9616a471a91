"""A project on disk whose file a test writes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from phoenix.spec.load import load
from phoenix.spec.mistakes import MistakesError
from phoenix.spec.project import Project

GOOD = """\
version: 1
project: hello
clouds:
  local: {kind: local}
repositories:
  main: {distribution: bookworm, root: .phoenix/aptly, url: http://127.0.0.1:9999}
images:
  os:
    debian-12:
      base: {local: bookworm}
      playbook: base.yml
      variables: {timezone: Etc/UTC}
      max_age: 7d
  foundation:
    nodejs: {os: debian-12, playbook: stack.yml, tests: ["node --version"]}
  immutable:
    hello: {foundation: nodejs, packages: [hello]}
services:
  web-tier:
    image: foundation/nodejs
    packages: [hello]
    settings: {GREETING: Hello}
    port: 8080
    health: /healthz
    drain: 30s
    environments:
      local:
        cloud: local
        size: 2
        machine: {cpus: 1, memory: 512M}
        load_balancer: {listen: 127.0.0.1:8000}
        strategy: {kind: blue-green, keep: 30m}
"""

Load = Callable[..., Project]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "playbooks").mkdir()
    for name in ("base.yml", "stack.yml"):
        (tmp_path / "playbooks" / name).touch()
    return tmp_path


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def load_text(directory: Path) -> Load:
    """Load `text` as phoenix.yaml, with `environment` and with each `(old, new)` replaced first."""

    def call(text: str = GOOD, *changes: tuple[str, str], environment: Mapping[str, str] | None = None) -> Project:
        for old, new in changes:
            assert old in text, f"{old!r} does not stand in the file"
            text = text.replace(old, new, 1)
        file = directory / "phoenix.yaml"
        file.write_text(text)
        return load(file, environment or {})

    return call


@pytest.fixture
def mistakes(load_text: Load) -> Mistakes:
    """The mistakes of a file, as `LINE: PATH: WHAT`."""

    def call(*changes: tuple[str, str], text: str = GOOD, environment: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(MistakesError) as caught:
            load_text(text, *changes, environment=environment)
        assert caught.value.exit_code == 2
        return [": ".join(p for p in (str(m.line), m.path, m.what) if p) for m in caught.value.mistakes]

    return call
