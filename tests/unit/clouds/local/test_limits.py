"""How many light machines the kernel's limits leave room for, on a computer made of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.clouds.local import check
from phoenix.clouds.local.machines import limits
from phoenix.clouds.local.machines.limits import INOTIFY, Limit
from phoenix.errors import RefusedError
from phoenix.manner import State

HERE = Path(__file__).stat().st_uid


def computer(proc: Path, *, inotify: int, most: int = 128) -> Path:
    """A /proc with one process that has so many inotify instances and other files."""
    for sysctl in limits.OF_A_MACHINE:
        file = proc / "sys" / sysctl.replace(".", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{most if sysctl == INOTIFY else 32768}\n")
    (proc / "loadavg").write_text("0.1 0.2 0.3 2/450 1234\n")
    for directory, links in (
        ("fd", ["anon_inode:inotify"] * inotify + ["/dev/null", "anon_inode:[eventpoll]"]),
        ("ns", ["user:[1]", "net:[2]", "pid:[3]", "time:[4]"]),
    ):
        (proc / "77" / directory).mkdir(parents=True)
        for number, link in enumerate(links):
            (proc / "77" / directory / str(number)).symlink_to(link)
    return proc


@pytest.mark.parametrize(("inotify", "room"), [(2, 31), (120, 2), (121, 1), (125, 0), (128, 0), (200, 0)])
def test_the_least_room_is_what_counts(tmp_path: Path, inotify: int, room: int) -> None:
    least = limits.measured(computer(tmp_path, inotify=inotify), HERE)[0]
    assert (least.sysctl, least.used, least.most, least.room) == (INOTIFY, inotify, 128, room)


def test_of_other_users_nothing_counts(tmp_path: Path) -> None:
    assert {each.used for each in limits.measured(computer(tmp_path, inotify=99), HERE + 1)} == {0, 450}


def test_every_limit_of_a_kernel_is_looked_at(tmp_path: Path) -> None:
    proc = computer(tmp_path, inotify=2, most=10**6)
    assert {each.sysctl for each in limits.measured(proc, HERE)} == set(limits.OF_A_MACHINE)
    (proc / "sys" / "user" / "max_net_namespaces").write_text("3\n")
    assert limits.measured(proc, HERE)[0] == Limit(sysctl="user.max_net_namespaces", used=1, most=3, each=2)
    (proc / "sys" / "user" / "max_net_namespaces").unlink()
    assert len(limits.measured(proc, HERE)) == len(limits.OF_A_MACHINE) - 1


def test_too_many_are_refused_and_the_sysctl_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Limit(sysctl=INOTIFY, used=122, most=128, each=4)
    monkeypatch.setattr(limits, "measured", lambda: (full,))
    limits.refuse_too_many(1)
    limits.refuse_too_many(0)
    with pytest.raises(RefusedError, match="does not take 4 light machines more") as error:
        limits.refuse_too_many(4)
    assert error.value.details == f"{INOTIFY} is 128, 122 are used, a machine takes 4: room for 1"
    assert f"`sysctl -w {INOTIFY}=1024`" in error.value.resolution


@pytest.mark.parametrize(
    ("used", "most", "state"), [(2, 1024, State.FINE), (2, 128, State.NOTE), (127, 128, State.LACK)]
)
def test_doctor_says_it(monkeypatch: pytest.MonkeyPatch, used: int, most: int, state: State) -> None:
    monkeypatch.setattr(limits, "measured", lambda: (Limit(sysctl=INOTIFY, used=used, most=most, each=4),))
    found = check.light_machines()
    assert (found.state, found.subject) == (state, "limits")
    assert (INOTIFY in found.remedy) is (state is not State.FINE)


def test_a_limit_is_raised_far_enough() -> None:
    limit = Limit(sysctl="x", used=100, most=128, each=4)
    assert limit.raised(1) == "sysctl -w x=1024"
    assert limit.raised(1000) == "sysctl -w x=8192"
