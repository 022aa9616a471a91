"""A machine on trial: the script it gets, and what is made of what it tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phoenix.clouds.local.bake.verification import HOST_KEYS, LEFT_OVER, MACHINE_ID, OVER, look_at_tree, user_data
from phoenix.clouds.rules import BOOT_FINISHED, NO_FAILED_UNITS, Trial, results, trials
from phoenix.tools.process import Command, run


def test_every_image_is_asked_whether_it_booted_well_before_its_own_tests() -> None:
    assert [trial.name for trial in trials(("node --version",))] == [BOOT_FINISHED, NO_FAILED_UNITS, "node --version"]


def carry_out(script: str, directory: Path) -> tuple[str, ...]:
    """Run a trial's script as a machine does, but for the place of the report command; what it reported."""
    report = directory / "report"
    report.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {directory}/report.log\n')
    report.chmod(0o755)
    file = directory / "user-data"
    file.write_text(script.replace("/usr/lib/phoenix/report", str(report)).replace("cd /root", f"cd {directory}"))
    run(Command(argv=("sh", str(file), "beside")), timeout=60)
    return tuple((directory / "report.log").read_text().splitlines())


def test_tests_run_one_by_one_and_each_is_told(tmp_path: Path) -> None:
    wanted = tuple(
        Trial(name=text, script=text, patience=patience)
        for text, patience in [
            ("echo fine; echo 'two lines' >&2", 10),
            ('echo "it\'s broken"; exit 3', 10),
            ("true", 10),
            ("exec sleep 30", 1),
            ("no-such-program", 10),
        ]
    )
    reports = carry_out(user_data(wanted), tmp_path)
    told = results(wanted, reports)
    assert [result.ok for result in told] == [True, False, True, False, False]
    assert told[0].output == "fine\ntwo lines"
    assert told[1].output == "it's broken"
    assert told[2].output == ""
    assert told[3].output == "\n(ended after 1 s)"
    assert "not found" in told[4].output
    assert reports[-1] == OVER


def test_a_machine_that_tells_nothing_has_failed_every_test() -> None:
    wanted = trials(("true",))
    assert [result.ok for result in results(wanted, ("boot running", "boot done"))] == [False, False, False]


WORDS = st.sampled_from(["trial", "0", "1", "2", "3", "00", "-1", "²", "124", "b2s=", "%", ""]) | st.text(max_size=4)
TRIALS = st.tuples(st.just("trial"), st.sampled_from("0123²"), WORDS, WORDS).map(" ".join)
REPORTS = st.lists(TRIALS | st.lists(WORDS, max_size=6).map(" ".join) | st.text(max_size=30), max_size=6)


@given(REPORTS)
@example(["trial ² 0 b2s="])
@example(["trial 2 0 b2s=", "trial 2 1 b2s="])
def test_whatever_a_machine_tells_a_test_passes_only_by_its_own_last_word(reports: list[str]) -> None:
    wanted = trials(("true",))
    told = results(wanted, tuple(reports))
    for index, result in enumerate(told):
        codes = [each.split(" ")[2] for each in reports if each.startswith(f"trial {index} ") and each.count(" ") == 3]
        assert result.ok == (codes[-1:] == ["0"])
    assert [result.name for result in told] == [trial.name for trial in wanted]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for directory in ("etc/ssh", "etc/apt/apt.conf.d", "usr/sbin", "var/lib/dbus"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "etc/machine-id").write_text("")
    (tmp_path / "etc/ssh/ssh_config").write_text("Host *\n")
    (tmp_path / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    return tmp_path


def test_a_clean_tree_passes(tree: Path) -> None:
    assert [(result.name, result.ok) for result in look_at_tree(tree)] == [
        (HOST_KEYS, True),
        (MACHINE_ID, True),
        (LEFT_OVER, True),
    ]


@pytest.mark.parametrize(
    ("file", "text", "test"),
    [
        ("etc/ssh/ssh_host_ed25519_key", "secret", HOST_KEYS),
        ("etc/ssh/ssh_host_rsa_key.pub", "public", HOST_KEYS),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n", MACHINE_ID),
        ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", LEFT_OVER),
        ("etc/apt/apt.conf.d/99phoenix-bake", "Dir::Cache;", LEFT_OVER),
    ],
)
def test_what_an_image_must_not_carry_is_named(tree: Path, file: str, text: str, test: str) -> None:
    (tree / file).write_text(text)
    (failed,) = [result for result in look_at_tree(tree) if not result.ok]
    assert failed.name == test
    assert f"/{file}" in failed.output


def test_a_machine_id_of_its_own_is_seen_where_dbus_has_it(tree: Path) -> None:
    (tree / "var/lib/dbus/machine-id").unlink()
    (tree / "var/lib/dbus/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    assert [result.name for result in look_at_tree(tree) if not result.ok] == [MACHINE_ID]
