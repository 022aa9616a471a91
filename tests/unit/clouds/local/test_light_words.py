"""The programs that answer for the kernel in a light bake: which module, which name a command line means."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from phoenix import data

MODPROBE = """#!/bin/sh
for last; do :; done
case $last in dummy | br_netfilter | overlay) exit 0 ;; *) exit 1 ;; esac
"""
"""Knows three modules, as the image's own would by its kernel's list."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A root file system: the programs of a light bake look below it."""
    for name in ("bin", "sbin", "etc", "lib/modules/6.1.0"):
        (tmp_path / name).mkdir(parents=True)
    for program, words in (("sbin/modprobe", MODPROBE), ("bin/hostname", '#!/bin/sh\necho "kernel: $*"\n')):
        (tmp_path / program).write_text(words)
    for name in ("modprobe", "hostnamectl", "refuse"):
        words = data.path("templates", "builders", "light", "bin", name).read_text()
        for place in ("/sbin/modprobe", "/lib/modules", "/etc/hostname", "/run/dbus"):
            words = words.replace(place, f"{tmp_path}{place}")
        (tmp_path / "bin" / name).write_text(words)
    for made in (*(tmp_path / "bin").iterdir(), tmp_path / "sbin/modprobe"):
        made.chmod(0o755)
    return tmp_path


def run(image: Path, command: str) -> subprocess.CompletedProcess[str]:
    name, *words = command.split()
    environment = {"PATH": f"{image}/bin:/usr/bin:/bin"}
    return subprocess.run([image / "bin" / name, *words], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "modules"),
    [
        ("modprobe dummy", ["dummy"]),
        ("modprobe dummy numdummies=2", ["dummy"]),
        ("modprobe -q dummy numdummies=2 name=a", ["dummy"]),
        ("modprobe -a br_netfilter overlay", ["br_netfilter", "overlay"]),
        ("modprobe -va br_netfilter overlay", ["br_netfilter", "overlay"]),
        ("modprobe br_netfilter overlay --all", ["br_netfilter", "overlay"]),
        ("modprobe -C /etc/modprobe.d dummy", ["dummy"]),
        ("modprobe -C/etc/rare.d --dirname / --set-version=6.1.0 -- dummy", ["dummy"]),
        ("modprobe -r nonesuch", []),
        ("modprobe -vr nonesuch", []),
    ],
)
def test_modules_that_the_image_has_are_accepted(image: Path, command: str, modules: list[str]) -> None:
    done = run(image, command)
    assert done.stderr.splitlines() == [f"phoenix: the module {name} takes effect at boot" for name in modules]
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("modprobe nonesuch", "no module nonesuch"),
        ("modprobe nonesuch dummy", "no module nonesuch"),
        ("modprobe -a nonesuch br_netfilter", "no module nonesuch"),
        ("modprobe --all br_netfilter nonesuch", "no module nonesuch"),
        ("modprobe kvm_intel nested=1", "the module kvm_intel (nested virtualisation)"),
        ("modprobe -a overlay kvm", "the module kvm (nested virtualisation)"),
    ],
)
def test_modules_that_it_has_not_are_refused_by_name(image: Path, command: str, said: str) -> None:
    done = run(image, command)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("command", "static", "kernel"),
    [
        ("hostnamectl set-hostname web", "web\n", "kernel: web\n"),
        ("hostnamectl hostname web", "web\n", "kernel: web\n"),
        ("hostnamectl --static set-hostname web", "web\n", ""),
        ("hostnamectl set-hostname --static web", "web\n", ""),
        ("hostnamectl set-hostname web --static", "web\n", ""),
        ("hostnamectl set-hostname --static --transient web", "web\n", "kernel: web\n"),
        ("hostnamectl --transient set-hostname web", "before\n", "kernel: web\n"),
        ("hostnamectl set-hostname --pretty web", "before\n", ""),
        ("hostnamectl --static", "before\n", "before\n"),
        ("hostnamectl --pretty", "before\n", ""),
        ("hostnamectl hostname", "before\n", "kernel: \n"),
        ("hostnamectl status", "before\n", "kernel: \n"),
    ],
)
def test_a_name_is_set_where_it_is_meant(image: Path, command: str, static: str, kernel: str) -> None:
    (image / "etc/hostname").write_text("before\n")
    done = run(image, command)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", kernel)
    assert (image / "etc/hostname").read_text() == static
