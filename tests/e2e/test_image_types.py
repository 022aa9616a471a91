"""Each type of image as a service's image: what is not baked in is installed at boot."""

from __future__ import annotations

import urllib.request

import pytest

from tests.support.real.hello import Hello
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell

SERVICES = """\
services:
  on-os:
    image: os/debian-12
    foundation: nodejs
    packages: [hello]
    settings: {GREETING: "Moin \\"you\\" $HOME \\\\ `id`"}
    port: 8080
    health: {path: /healthz, healthy_after: 2s}
    environments: {local: {cloud: local, size: 1, load_balancer: {listen: "127.0.0.1:%d"}}}
  on-immutable:
    image: immutable/hello
    packages: [hello]
    settings: {GREETING: Servus}
    port: 8080
    health: {path: /healthz, healthy_after: 2s}
    environments: {local: {cloud: local, size: 1, load_balancer: {listen: "127.0.0.1:%d"}}}
"""


@pytest.fixture(scope="module")
def shell(rolling_project: Shell) -> Shell:
    file = rolling_project.directory / "phoenix.yaml"
    before, _services, _rest = file.read_text().partition("services:\n")
    file.write_text(before + SERVICES % (free_port(), free_port()))
    Hello(rolling_project).publish("1.0.0")
    return rolling_project


def greeting(shell: Shell, service: str) -> str:
    with urllib.request.urlopen(shell.service(service)["address"], timeout=5) as response:
        return str(response.read(), "utf-8")


def test_an_os_image_gets_its_stack_and_its_app_at_boot(shell: Shell) -> None:
    planned = shell.run("roll", "on-os", "--plan")
    assert planned["plan"]["steps"]
    packages = shell.run("repository", "show")["repository"]["packages"]
    assert not [p for p in packages if p["name"].startswith("phoenix-boot-")], "a plan publishes nothing"
    rolled = shell.run("roll", "on-os")
    assert rolled["image"].startswith("os/debian-12@")
    assert greeting(shell, "on-os").startswith('Moin "you" $HOME \\ `id` from hello 1.0.0 on on-os-local-v001-1')
    assert shell.run("roll", "on-os")["changed"] is False


def test_an_immutable_image_installs_nothing_and_takes_its_settings(shell: Shell) -> None:
    refused = shell.run("roll", "on-immutable", code=3)
    assert "phoenix bake immutable hello" in refused["error"]["resolution"]
    shell.run("bake", "immutable", "hello")
    rolled = shell.run("roll", "on-immutable")
    assert rolled["packages"] == {"hello": "1.0.0"}
    assert greeting(shell, "on-immutable").startswith("Servus from hello 1.0.0")
    boot = shell.run("logs", f"{rolled['group']}-1")["logs"]["boot"]
    assert "apt-get" not in boot
