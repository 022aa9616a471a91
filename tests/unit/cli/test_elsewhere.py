"""A state in a bucket and machines on one computer: a run about those is the business of that computer alone."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from phoenix import names
from phoenix.execute.ownership import this_process
from phoenix.record.journal import RunState
from tests.support.fakes.desk import SUBJECT, Desk


@pytest.fixture
def elsewhere(desk: Desk) -> Desk:
    """A held roll of another computer, in a state that both share."""
    desk.roll("1.0.0")
    desk.roll("2.0.0", "--no-traffic", code=8)
    store = desk.store
    desk.owner(replace(this_process(1), host="elsewhere", boot="another", pid=1))
    desk.shared = store
    desk.edit("project: hello\n", "project: hello\nstate: s3://bucket/hello\n")
    return desk


@pytest.mark.parametrize("command", ["promote", "abort"])
def test_nobody_else_goes_on_with_it_or_back(elsewhere: Desk, command: str) -> None:
    assert "elsewhere" in elsewhere.refused(command, SUBJECT)["resolution"]
    assert elsewhere.history.live()[0].state is RunState.HELD


def test_tend_leaves_it(elsewhere: Desk) -> None:
    run = elsewhere.history.live()[0]
    key = f"live/{SUBJECT}"
    value = elsewhere.store.get(key)
    assert value is not None
    elsewhere.store.put_if(key, value.data.replace(b'"held"', b'"running"'), value.tag)
    assert "elsewhere" in elsewhere.run("tend")["did"][0]
    elsewhere.owner(replace(this_process(1), host=socket.gethostname(), pid=2**22 + 1))
    assert f"undid {run.id}" in elsewhere.run("tend")["did"][0]


def test_down_leaves_it(elsewhere: Desk) -> None:
    elsewhere.cloud.forgiving = True  # its balancer is stopped first
    elsewhere.run("down", "--yes")
    assert elsewhere.history.live()[0].state is RunState.HELD


def test_a_stack_is_here_everywhere(elsewhere: Desk) -> None:
    stack = str(names.of_stack("ground"))
    elsewhere.edit("services:", "stacks: {ground: {root: ground}}\nservices:")
    run = elsewhere.begin("stack", subject=stack).run
    elsewhere.owner(replace(this_process(1), host="elsewhere", boot="another", pid=1), stack)
    assert f"ended {run.id} ({stack})" in str(elsewhere.run("tend")["did"])
    ended = elsewhere.history.run(run.id)
    assert ended is not None
    assert ended.state is RunState.FAILED
