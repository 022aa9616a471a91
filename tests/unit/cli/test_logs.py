"""`phoenix logs`: of a service, a group, a machine; of those that are gone what their run saved."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from phoenix.cli.text.machine_logs import followed, new_text
from phoenix.orders.logs import MachineLogs
from tests.support.fakes.desk import Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"
CONSOLE = """\
2026-01-31T11:59:00+0000 web systemd[1]: Started.
2026-01-31T12:00:00+0000 web hello[7]: old
  at a line without a time
2026-01-31T12:00:30+0000 web hello[7]: new
"""


@pytest.fixture
def speaking(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A service whose machines say something."""
    desk.roll("1.0.0")

    def said(instance: str) -> Mapping[str, str]:
        return {"console": CONSOLE, "boot": f"boot of {instance}\n", "service": f"one\ntwo of {instance}\n"}

    monkeypatch.setattr(desk.cloud, "logs", said)
    return desk


@pytest.mark.parametrize("name", ["web-tier", V1])
def test_of_a_service_or_a_group_each_line_has_its_machine(speaking: Desk, name: str) -> None:
    assert speaking.page("logs", name).splitlines() == [
        f"{V1}-{number} | {line}" for number in (1, 2) for line in ("one", f"two of {V1}-{number}")
    ]
    result = speaking.run("logs", name)
    assert [machine["instance"] for machine in result["machines"]] == [f"{V1}-1", f"{V1}-2"]
    assert (result["instance"], result["logs"]) == (None, {})


def test_of_one_machine_all_of_it(speaking: Desk) -> None:
    result = speaking.run("logs", f"{V1}-2")
    assert (result["instance"], result["logs"]["boot"]) == (f"{V1}-2", f"boot of {V1}-2\n")
    assert set(result["logs"]) == {"console", "boot", "service"}
    assert "--- boot\n" in speaking.page("logs", f"{V1}-2")


def test_only_what_is_wanted(speaking: Desk) -> None:
    assert speaking.run("logs", f"{V1}-1", "--boot")["logs"] == {"boot": f"boot of {V1}-1\n"}
    assert speaking.run("logs", f"{V1}-1", "--service", "--tail", "1")["logs"] == {"service": f"two of {V1}-1\n"}
    assert speaking.run("logs", f"{V1}-1", "--service", "--tail", "0")["logs"] == {"service": ""}
    since = speaking.run("logs", f"{V1}-1", "--since", "2026-01-31T12:00:00Z")["logs"]
    assert since == {"console": "".join(f"{line}\n" for line in CONSOLE.splitlines()[1:])}
    speaking.refused("logs", V1, "--boot", "--service", code=2)
    speaking.refused("logs", V1, "--since", "yesterday", code=2)
    speaking.refused("logs", V1, "-f", code=2)
    assert len(speaking.run("logs", "web-tier", "-e", "local")["machines"]) == 2


def test_of_a_group_that_is_gone_what_its_run_saved(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.cloud.broken_boot.add(V2)
    run = desk.run("roll", "web-tier", "--image", "image-1", "--package", "hello=2.0.0", code=6)["run"]
    assert V2 not in desk.cloud.standing
    result = desk.run("logs", V2)
    assert [(each["instance"], each["saved"]) for each in result["machines"]] == [(f"{V2}-1", run), (f"{V2}-2", run)]
    assert desk.run("logs", f"{V2}-1")["logs"]["boot"] == f"boot log of {V2}-1\n"
    assert f"{V2}-1 is gone; this is what {run} saved" in desk.page("logs", V2)


def test_unknown_names_are_told_with_those_there_are(desk: Desk) -> None:
    assert desk.refused("logs", "web-tier", code=2)["brief"] == "'web-tier' has no machines"
    desk.roll("1.0.0")
    told = desk.refused("logs", "web-front", code=2)
    assert "services: web-tier" in told["details"]
    assert f"instances: {V1}-1, {V1}-2" in told["details"]
    desk.cloud.unreachable = True
    assert desk.run("logs", V1, code=5)["error"]["brief"]


def test_what_is_new_between_two_looks() -> None:
    before = (MachineLogs(instance="a", logs={"service": "one\ntwo\n"}),)
    now = (
        MachineLogs(instance="a", logs={"service": "one\ntwo\nthree\n"}),
        MachineLogs(instance="b", logs={"service": "first\n"}),
    )
    assert new_text(before, now) == "a | three\nb | first"
    assert new_text(now, now) == ""
    moved = (MachineLogs(instance="a", logs={"service": "two\nthree\nfour\n"}),)
    assert new_text((MachineLogs(instance="a", logs={"service": "one\ntwo\nthree\n"}),), moved).endswith("a | four")


def test_a_machine_that_has_a_console_alone_is_followed_by_it() -> None:
    told = (
        MachineLogs(instance="here", logs={"console": "kernel\n", "boot": "done\n", "service": "one\n"}),
        MachineLogs(instance="cloud", logs={"console": "kernel\n"}),
        MachineLogs(instance="silent", logs={}),
    )
    assert [each.logs for each in followed(told)] == [{"service": "one\n"}, {"console": "kernel\n"}, {}]
    later = (MachineLogs(instance="cloud", logs={"console": "kernel\npanic\n"}),)
    assert new_text(followed(told), followed(later)) == "cloud | panic"
