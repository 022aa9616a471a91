"""A project whose service lives on an emulated Google Cloud with real machines: what `phoenix` needs on its way."""

from __future__ import annotations

from tests.emulators.gcp import Emulator
from tests.support.real import shop
from tests.support.real.shell import Shell
from tests.support.real.shop import Shop

BY_ROUTE = "{{url_map: {url_map}, route: default}}"
BY_SERVICE = "{{backend_service: {fallback}}}"
"""How the service is balanced."""
PROJECT = """\
version: 1
project: hello
state: .phoenix
state_is_shared: true
clouds:
  local: {{kind: local}}
  gcp: {{kind: gcp, project: {project}, region: {region}, tags: {{team: web}}, builder: {{type: e2-small}}}}
repositories:
  main:
    distribution: bookworm
    root: .phoenix/aptly
    url: {{local: "http://127.0.0.1:{port}", gcp: "http://10.0.2.2:{port}"}}
images:
  os:
    debian-12: {{base: {{gcp: debian-cloud/debian-12}}, playbook: os.yml}}
  foundation:
    nodejs: {{os: debian-12, playbook: nodejs.yml, tests: ["node --version", "id nodejs"]}}
services:
  web-tier:
    image: foundation/nodejs
    packages: [hello]
    settings: {{GREETING: Hello}}
    port: 8080
    health: {{path: /healthz, interval: 5s, healthy_after: 5s, deadline: 90s}}
    drain: 5s
    environments:
      prod:
        cloud: gcp
        size: 2
        machine: {{type: e2-small, firewall: [web]}}
        load_balancer: {balancer}
        strategy: {{kind: blue-green, keep: 0s}}
{more}"""


def opened(shell: Shell, emulator: Emulator, port: int, *, balancer: str = BY_ROUTE, zonal: bool = False) -> Shop:
    """The project of `phoenix init` in the shell's directory, with its service in the emulated project."""
    world = emulator.world()
    more = f"        zones: [{world.zones[0]}]\n" if zonal else ""
    text = PROJECT.format(
        project=world.project,
        region=world.region,
        port=port,
        balancer=balancer.format(url_map=world.url_map, fallback=world.fallback),
        more=more,
    )
    shop.write(shell, text)
    rule = f"projects/{world.project}/global/forwardingRules/{world.forwarding_rule}"
    return Shop(shell=shell, address=emulator.serve(rule), word="UNHEALTHY")
