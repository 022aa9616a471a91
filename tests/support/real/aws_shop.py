"""A project whose service lives on an emulated AWS with real machines: what `phoenix` needs for the whole way there."""

from __future__ import annotations

from tests.emulators.aws import Emulator
from tests.support.real import shop
from tests.support.real.shell import Shell
from tests.support.real.shop import Shop

PROJECT = """\
version: 1
project: hello
state: .phoenix
state_is_shared: true
clouds:
  local: {{kind: local}}
  aws: {{kind: aws, region: {region}, subnets: [{subnets}], tags: {{team: web}}, builder: {{type: t3.small}}}}
repositories:
  main:
    distribution: bookworm
    root: .phoenix/aptly
    url: {{local: "http://127.0.0.1:{port}", aws: "http://10.0.2.2:{port}"}}
images:
  os:
    debian-12: {{base: {{aws: "136693071363/debian-12-amd64-*"}}, playbook: os.yml}}
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
        cloud: aws
        size: 2
        machine: {{type: t3.small, firewall: [{firewall}]}}
        load_balancer: {{listener: "{listener}", rule: default}}
        strategy: {{kind: blue-green, keep: 0s}}
"""


def opened(shell: Shell, emulator: Emulator, port: int) -> Shop:
    """The project of `phoenix init` in the shell's directory, with its service in the emulated account."""
    world = emulator.world()
    text = PROJECT.format(
        region=world.region,
        subnets=", ".join(world.subnets),
        firewall=world.security_group,
        listener=world.listener,
        port=port,
    )
    shop.write(shell, text)
    return Shop(shell=shell, address=emulator.serve(world.listener), word="Target.")
