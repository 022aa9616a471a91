"""How images are verified: on a light machine or by a whole boot, as phoenix.yaml or the command says."""

from __future__ import annotations

import pytest

from phoenix.model import Proof
from tests.support.fakes.desk import Desk

BAKE = ("bake", "foundation", "nodejs")
CLOUD = "        cloud: local\n"


def verified(desk: Desk, *options: str) -> list[Proof]:
    """How the layers were verified that a bake with these options verified."""
    desk.images.verified.clear()
    desk.run(*BAKE, *options)
    return [on for _image, on in desk.images.verified]


@pytest.mark.parametrize("machines", list(Proof))
def test_without_a_word_as_the_machines_are(desk: Desk, machines: Proof) -> None:
    desk.images.machines = machines
    assert verified(desk) == [machines, machines]
    shown = desk.run("image", "show", "foundation/nodejs")["image"]
    assert (shown["verified"], shown["verified_on"]) == (True, machines)


@pytest.mark.parametrize("machines", list(Proof))
@pytest.mark.parametrize("said", list(Proof))
def test_the_file_says_it_and_the_command_has_the_last_word(desk: Desk, machines: Proof, said: Proof) -> None:
    desk.images.machines = machines
    desk.edit(CLOUD, f"{CLOUD}        verify: {said}\n")
    assert verified(desk) == [said, said]
    other = next(proof for proof in Proof if proof is not said)
    assert verified(desk, "--verify", other, "--from-scratch") == [other, other]


def test_the_strictest_of_the_environments_that_use_an_image_counts(desk: Desk) -> None:
    text = (desk.directory / "phoenix.yaml").read_text()
    local = text[text.index("      local:\n") :]
    assert local.count(CLOUD) == 1
    other = local.replace("local:", "other:", 1).replace("8000", "8001")
    other = other.replace(CLOUD, f"{CLOUD}        verify: qemu\n")
    desk.edit(local, local.replace(CLOUD, f"{CLOUD}        verify: light\n") + other)
    assert verified(desk) == [Proof.QEMU, Proof.QEMU]


def test_what_was_verified_light_is_verified_again_and_not_baked(desk: Desk) -> None:
    desk.images.machines = Proof.LIGHT
    first = desk.run(*BAKE)
    assert [layer["verified_on"] for layer in first["layers"]] == ["light", "light"]
    again = desk.run(*BAKE, "--verify", "qemu")
    assert again["baked"] == 0
    (below, image), (same_below, same) = first["layers"], again["layers"]
    assert (same["id"], same["hit"], same["verified_on"]) == (image["id"], False, "qemu")
    assert (same_below["id"], same_below["hit"], same_below["verified_on"]) == (below["id"], True, "light")
    assert verified(desk, "--verify", "light") == [], "more than is wanted is enough"
    assert verified(desk, "--verify", "qemu") == []


def test_a_word_that_is_none(desk: Desk) -> None:
    assert "light, qemu" in desk.refused(*BAKE, "--verify", "kvm", code=2)["details"]


def test_machines_that_need_more_are_not_rolled_from_it(desk: Desk) -> None:
    desk.images.machines = Proof.LIGHT
    desk.run(*BAKE)
    desk.run("roll", "web-tier")
    desk.images.machines = Proof.QEMU
    refused = desk.run("roll", "web-tier", "--package", "hello=2.0.0", code=3)["error"]
    assert "light machine only" in refused["brief"]
    assert verified(desk) == [], "what is there is good until somebody says otherwise"
    assert verified(desk, "--verify", "qemu") == [Proof.QEMU]
    desk.run("roll", "web-tier", "--package", "hello=2.0.0")
