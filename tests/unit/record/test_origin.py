"""What a build server says of an order is kept in a form that nobody has to fear."""

from __future__ import annotations

from phoenix.execute.states import note
from phoenix.plan.publish_actions import TakeSnapshot
from phoenix.record import journal
from phoenix.record.origin import LONGEST, UNTOLD, Origin, origin_of

JENKINS = {
    "BUILD_URL": "https://ci.acme.example/job/shop/12/",
    "BUILD_TAG": "jenkins-shop-12",
    "GIT_COMMIT": "3f2a91c04d5b6e7f8091a2b3c4d5e6f708192a3b",
    "GIT_BRANCH": "origin/main",
    "CHANGE_AUTHOR": "alice",
}


def test_each_variable_is_kept() -> None:
    assert origin_of(JENKINS) == Origin(
        build_url=JENKINS["BUILD_URL"],
        build_tag="jenkins-shop-12",
        git_commit=JENKINS["GIT_COMMIT"],
        git_branch="origin/main",
        change_author="alice",
    )
    assert origin_of({"PATH": "/bin", "BUILD_ID": "12"}) == UNTOLD


def test_what_a_terminal_would_obey_is_not_kept() -> None:
    origin = origin_of({"GIT_BRANCH": "a\x1b[2J\nb\u202e\udcff", "CHANGE_AUTHOR": "  Zoë  "})
    assert origin.git_branch == "a?[2J?b??"
    assert origin.change_author == "Zoë"


def test_it_is_short() -> None:
    origin = origin_of({"CHANGE_AUTHOR": "x" * 10_000})
    assert len(origin.change_author) == LONGEST
    assert origin.change_author.endswith("x…")


def test_a_password_in_an_address_is_left_out() -> None:
    origin = origin_of({"BUILD_URL": "https://ci:hunter2@ci.acme.example/job/a@b/1/"})
    assert origin.build_url == "https://ci.acme.example/job/a@b/1/"


def test_a_run_of_an_older_phoenix_has_none() -> None:
    older = (
        b'{"id": "roll-1", "kind": "roll", "subject": "web/prod", "state": "done", "why": "", "started": "x",'
        b' "plan": {}, "owner":'
        b' {"epoch": 1, "who": "a", "host": "b", "pid": 1, "started": 1, "boot": "c", "pid_namespace": "d"}}'
    )
    assert journal.load(older).origin == UNTOLD


def test_a_state_of_a_repository_tells_it() -> None:
    action = TakeSnapshot(repository="main", snapshot="main-0001", what="hello 1.0", why="", of="")
    text = note(action, "publish-1", origin_of(JENKINS))
    for value in JENKINS.values():
        assert value in text
    assert "git_branch" not in note(action, "publish-1", UNTOLD)
