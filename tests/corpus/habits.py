"""The habits of public roles, a small role of ours for each, and what comes of it when it is baked.

A verdict is one of three: it *works*; it works and what it asked of the running kernel is *told* as taking effect at
boot; or the bake is *refused*, at a task, with a sentence that says why. docs/baking.md has the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

ROLES = Path(__file__).parent / "roles"
WORKS, TOLD, REFUSED = "works", "told", "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a builder makes of a role; `text` is what is said where it is told or refused."""

    kind: Literal["works", "told", "refused"]
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """A role, what it does as public ones do, and what is in the image afterwards: a text in each of these files."""

    role: str
    does: str
    light: Verdict
    chroot: Verdict
    leaves: Mapping[str, str] = field(default_factory=dict)
    takes_out: tuple[str, ...] = ()
    """Files that it makes, and that no image may have."""
    often: bool = False
    """It is baked in every `make test`, by `light`, together with the others of these."""


_WORKS = Verdict(kind="works")


def _refused(text: str) -> Verdict:
    return Verdict(kind="refused", text=text)


HABITS = (
    Habit(
        role="firewall",
        does="firewall rules with `validate: nft --check`, loaded now and at boot",
        light=_WORKS,
        chroot=_refused("See that they are these"),
        leaves={"etc/nftables.conf": "dport { 22, 8080 } accept"},
    ),
    Habit(
        role="sysctl",
        does="settings in `/etc/sysctl.d`, read anew by a handler",
        light=Verdict(kind="told", text="vm.swappiness"),
        chroot=_refused("vm.swappiness"),
        leaves={"etc/sysctl.d/60-hardening.conf": "vm.swappiness = 10"},
        often=True,
    ),
    Habit(
        role="sshd",
        does="hardening of sshd by `lineinfile` with `validate: sshd -t`, then a restart",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"etc/ssh/sshd_config": "MaxAuthTries 3"},
        often=True,
    ),
    Habit(
        role="services",
        does="a unit of its own, started and enabled; a handler restarts it",
        light=_WORKS,
        chroot=_refused("corpus-echo"),
        leaves={"etc/systemd/system/multi-user.target.wants/corpus-echo.service": "Says a word"},
        often=True,
    ),
    Habit(
        role="timers",
        does="a timer of its own, started and enabled",
        light=_WORKS,
        chroot=_refused("See that it is"),
        leaves={"etc/systemd/system/timers.target.wants/corpus-tidy.timer": "OnCalendar=daily"},
    ),
    Habit(
        role="users",
        does="users and groups, `visudo -cf`, tasks with `become_user`",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"home/ada/.ssh/whoami": "ada", "etc/sudoers.d/deploy": "%deploy"},
        often=True,
    ),
    Habit(
        role="templates",
        does="templates with lookups, variables by system, `with_fileglob`",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"etc/corpus-site.conf": "listen = debian:8003", "etc/corpus-b.conf": "b = 2"},
    ),
    Habit(
        role="loops",
        does="`include_role` in a loop, with `tasks_from`, and handlers of what is included",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"etc/corpus-site-two": "two 8002", "etc/corpus-sites": "three", "etc/corpus-sites-changed": "changed"},
    ),
    Habit(
        role="java",
        does="a JRE, and alternatives",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"usr/local/bin/jvm-of-corpus": "exec /usr/bin/java"},
    ),
    Habit(
        role="swap",
        does="a swap file, in `/etc/fstab` and used at once",
        light=_refused("--builder packer"),
        chroot=_refused("swapon"),
    ),
    Habit(
        role="cron",
        does="`cron` for a user, and in a file of its own",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"etc/cron.d/corpus-tidy": "5 3 * * * root /bin/true", "var/spool/cron/crontabs/root": "@reboot"},
    ),
    Habit(
        role="locale",
        does="locales, made by a handler and used",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"etc/default/locale": "de_CH.UTF-8"},
    ),
    Habit(
        role="hostname",
        does="a name for the machine, and in `/etc/hosts`",
        light=_WORKS,
        chroot=_refused("Name the machine"),
        leaves={"etc/hostname": "corpus", "etc/hosts": "127.0.1.1 corpus"},
    ),
    Habit(
        role="reboots",
        does="a handler that reboots in the middle of the play",
        light=_WORKS,
        chroot=_refused("Start the machine anew"),
        leaves={"etc/corpus-boot": "corpus"},
    ),
    Habit(
        role="facts",
        does="decisions by facts of systemd: `service_mgr`, `service_facts`, `virtualization_type`",
        light=_WORKS,
        chroot=_refused("See what roles decide by"),
        leaves={"etc/corpus-facts": "systemd"},
    ),
    Habit(
        role="identity",
        does="a daemon started, Docker for one, that makes a key and an id of its own",
        light=_WORKS,
        chroot=_WORKS,
        leaves={"etc/docker/daemon.json": "{}"},
        takes_out=("etc/docker/key.json", "var/lib/docker/engine-id"),
    ),
)
