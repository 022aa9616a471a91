"""The project of a run on Google Cloud."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.wait import Look, Verdict, wait_for
from tests.account import app
from tests.account.asking import asking
from tests.support.real.instant import get
from tests.support.real.shell import Shell
from tests.support.real.story import Asked

TAG = "test-of-phoenix"
"""The label of everything that a run makes and that can bear one, with its name."""
PORT = 8080
SPREADS = 600.0
"""Seconds that a new balancer may take until it answers everywhere."""
PROJECT = """\
version: 1
project: {run}
state: .phoenix
state_is_shared: true
clouds:
  gcp:
    kind: gcp
    project: {project}
    region: {region}
    network: {network}
    tags: {{{tag}: {run}}}
    builder: {{type: e2-small, firewall: [{run}]}}
images:
  os:
    debian-12: {{base: {{gcp: debian-cloud/debian-12}}, playbook: os.yml}}
  foundation:
    nodejs: {{os: debian-12, playbook: nodejs.yml, tests: ["node --version"]}}
  immutable:
    hello: {{foundation: nodejs, playbook: hello.yml, tests: ["systemctl is-enabled hello.path"]}}
services:
  {run}:
    image: immutable/hello
    settings: {{GREETING: Hello, VERSION: "{version}", BREAK: "{broken}"}}
    port: {port}
    health: {{path: /healthz, interval: 5s, healthy_after: 5s, deadline: 2m}}
    drain: 5s
    environments:
      prod:
        cloud: gcp
        size: 2
        machine: {{type: e2-small, firewall: [{run}]}}
        load_balancer: {{url_map: {run}, route: default}}
        strategy: {{kind: blue-green, keep: 0s}}
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a run made for its service, and where that is."""

    run: str
    project: str
    region: str
    network: str
    address: str
    """HOST or HOST:PORT at which the forwarding rule takes requests."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """The `Place` of a run: see `story.py`."""

    shell: Shell
    site: Site
    layers: tuple[str, ...] = ("os/debian-12", "foundation/nodejs", "immutable/hello")

    @property
    def word(self) -> str:
        """What getHealth says."""
        return "UNHEALTHY"

    @property
    def service(self) -> str:
        """Named as the run, so that its groups meet no other service's."""
        return self.site.run

    def released(self, version: str, *, broken: bool = False) -> tuple[str, ...]:
        """Write the settings of that version; a roll needs no option."""
        site = self.site
        text = PROJECT.format(
            tag=TAG,
            run=site.run,
            project=site.project,
            region=site.region,
            network=site.network,
            port=PORT,
            version=version,
            broken="yes" if broken else "",
        )
        (self.shell.directory / "phoenix.yaml").write_text(text)
        return ()

    def answer(self) -> str:
        """What a client is told now. A balancer that is new says nothing for a while, or that it knows nobody."""
        seen: list[str] = []

        def look() -> Look:
            try:
                status, text = get(f"http://{self.site.address}")
            except OSError as error:
                return Look(verdict=Verdict.UNKNOWN, seen=str(error))
            seen.append(text)
            return Look(verdict=Verdict.PASS if status == 200 else Verdict.UNKNOWN, seen=f"status {status}")

        wait_for("an answer", look, clock=SystemClock(), deadline=SPREADS, in_a_row=3)
        return seen[-1]

    def asking(self, out: Path) -> AbstractContextManager[Callable[[], Asked]]:
        """Clients at the balancer, in a process of their own."""
        return asking(f"http://{self.site.address}/")


def made(shell: Shell, site: Site) -> Project:
    """Write the project, with the app in its playbook, into the shell's directory."""
    app.write(shell)
    project = Project(shell=shell, site=site)
    project.released("1.0.0")
    return project
