"""A bucket's bad days, over HTTP: lost answers and requests, silence, no bucket, no rights, other people's files."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from phoenix.errors import CloudError
from phoenix.execute import ownership
from phoenix.execute.ownership import OwnedRun
from phoenix.record import objects
from phoenix.record.history import History
from phoenix.record.journal import RunState, What
from phoenix.record.objects import ObjectStore
from phoenix.record.store import ConflictError, StoreError, Value
from tests.support.fakes.buckets import BUCKET, KINDS, Server, bucket
from tests.support.fakes.doubles import FakeClock
from tests.support.fakes.web import Line, line_to

CLOSED = "http://127.0.0.1:1"
"""Where nothing answers."""


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with bucket(request.param) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def open_at(server: Server, address: str) -> ObjectStore:
    return ObjectStore.open(server.url, server.at(address))


class Fates:
    """What becomes of the next requests of one method, one after the other; all others are answered."""

    def __init__(self, method: str, *fates: Line) -> None:
        self._method = method
        self._fates = list(fates)
        self.seen: list[str] = []
        self.after: Callable[[], object] | None = None
        """Done once, before the first request that follows the bad ones."""

    def __call__(self, method: str, _path: str) -> Line:
        self.seen.append(method)
        if method == self._method and self._fates:
            return self._fates.pop(0)
        if self.after is not None and not self._fates:
            do, self.after = self.after, None
            do()
        return Line.GOOD


def standing(server: Server, key: str = "a") -> Value:
    value = ObjectStore.open(server.url, server.environment).get(key)
    assert value is not None
    return value


@pytest.mark.parametrize("fate", [Line.ANSWER_LOST, Line.REQUEST_LOST, Line.BROKEN])
def test_a_create_whose_answer_was_lost_is_decided(server: Server, fate: Line) -> None:
    with line_to(server.address, Fates("PUT", fate)) as address:
        tag = open_at(server, address).put_if("a", b"1", None)
    assert standing(server) == Value(data=b"1", tag=tag)


@pytest.mark.parametrize("fate", [Line.ANSWER_LOST, Line.REQUEST_LOST, Line.BROKEN])
def test_a_write_whose_answer_was_lost_is_decided(server: Server, fate: Line) -> None:
    with line_to(server.address, Fates("PUT", Line.GOOD, fate)) as address:
        store = open_at(server, address)
        tag = store.put_if("a", b"2", store.put_if("a", b"1", None))
    assert standing(server) == Value(data=b"2", tag=tag)


@pytest.mark.parametrize("fate", [Line.ANSWER_LOST, Line.REQUEST_LOST, Line.BROKEN])
def test_a_deletion_whose_answer_was_lost_is_decided(server: Server, fate: Line) -> None:
    with line_to(server.address, Fates("PUT", Line.GOOD, fate)) as address:
        store = open_at(server, address)
        store.delete_if("a", store.put_if("a", b"1", None))
        assert store.get("a") is None
        assert store.list("") == ()
        store.put_if("a", b"2", None)
    assert standing(server).data == b"2"


def test_a_create_that_somebody_else_won_is_a_conflict(server: Server) -> None:
    ObjectStore.open(server.url, server.environment).put_if("a", b"theirs", None)
    fates = Fates("PUT")
    with line_to(server.address, fates) as address:
        with pytest.raises(ConflictError):
            open_at(server, address).put_if("a", b"mine", None)
    assert standing(server).data == b"theirs"


@pytest.mark.parametrize("second", [Line.GOOD, Line.ANSWER_LOST])
def test_a_write_that_comes_late_meets_its_own_repetition(server: Server, second: Line) -> None:
    """It is carried out after it was looked for in vain, and just before it is sent again."""
    fates = Fates("PUT", Line.GOOD, Line.LATE, second)
    with line_to(server.address, fates) as address:
        store = open_at(server, address)
        tag = store.put_if("a", b"2", store.put_if("a", b"1", None))
    assert fates.seen == ["PUT", "PUT", "GET", "PUT", "GET"]
    assert standing(server) == Value(data=b"2", tag=tag)


def test_both_of_two_equal_writes_may_lose_their_answer(server: Server) -> None:
    with line_to(server.address, Fates("PUT", Line.REQUEST_LOST, Line.ANSWER_LOST)) as address:
        tag = open_at(server, address).put_if("a", b"1", None)
    assert standing(server) == Value(data=b"1", tag=tag)


def test_a_lost_write_that_another_overwrote_is_neither_success_nor_conflict(server: Server) -> None:
    """Nobody can tell whether it was carried out, so nothing is claimed: unknown is not no."""
    other = ObjectStore.open(server.url, server.environment)
    first = other.put_if("a", b"1", None)
    fates = Fates("PUT", Line.ANSWER_LOST)
    fates.after = lambda: other.put_if("a", b"3", standing(server).tag)
    with line_to(server.address, fates) as address:
        with pytest.raises(StoreError, match="it is not known"):
            open_at(server, address).put_if("a", b"2", first)
    assert standing(server).data == b"3"


def test_a_read_is_tried_a_second_time(server: Server) -> None:
    tag = ObjectStore.open(server.url, server.environment).put_if("a", b"1", None)
    with line_to(server.address, Fates("GET", Line.REQUEST_LOST)) as address:
        assert open_at(server, address).get("a") == Value(data=b"1", tag=tag)
    with line_to(server.address, Fates("GET", Line.BROKEN)) as address:
        assert open_at(server, address).list("") == ("a",)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_silence_ends_with_one_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(objects, "TIMEOUT", 0.3)
    with line_to(server.address, lambda *_: Line.SILENT) as address:
        store = open_at(server, address)
        with pytest.raises(StoreError, match="the state cannot be reached") as caught:
            store.get("a") if method == "GET" else store.put_if("a", b"1", None)
    assert server.url in caught.value.details
    assert "\n" not in caught.value.details
    assert "network" in caught.value.resolution


def test_a_silent_write_that_was_carried_out_is_found(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "TIMEOUT", 1.0)
    with line_to(server.address, Fates("PUT", Line.SILENT)) as address:
        tag = open_at(server, address).put_if("a", b"1", None)
    assert standing(server) == Value(data=b"1", tag=tag)


def test_nothing_answering_is_one_clear_error(server: Server) -> None:
    store = open_at(server, CLOSED)
    for use in (lambda: store.get("a"), lambda: store.put_if("a", b"1", None), lambda: store.list("")):
        with pytest.raises(StoreError, match="the state cannot be reached"):
            use()


def test_a_bucket_that_is_not_there_is_named(server: Server) -> None:
    url = f"{server.kind}://no-such-bucket/team"
    store = ObjectStore.open(url, server.environment)
    for use in (lambda: store.get("a"), lambda: store.put_if("a", b"1", None), lambda: store.list("live/")):
        with pytest.raises(StoreError, match="there is no bucket no-such-bucket") as caught:
            use()
        assert "Create it" in caught.value.resolution


def test_two_prefixes_are_two_states(server: Server) -> None:
    one = ObjectStore.open(server.url, server.environment)
    two = ObjectStore.open(f"{server.kind}://{BUCKET}/team/two", server.environment)
    all_of_it = ObjectStore.open(f"{server.kind}://{BUCKET}", server.environment)
    one.put_if("a", b"1", None)
    two.put_if("a", b"2", None)
    assert [store.list("") for store in (one, two)] == [("a",), ("a",)]
    assert all_of_it.list("") == ("team/one/a", "team/two/a")


def test_a_file_that_somebody_else_put_there_is_no_value(server: Server) -> None:
    httpx.put(f"{server.address}/{BUCKET}/team/one/a", content=b"x" * 100).raise_for_status()
    with pytest.raises(CloudError, match="cannot read") as caught:
        ObjectStore.open(server.url, server.environment).get("a")
    assert not isinstance(caught.value, StoreError), "trying again does not mend it"


def test_more_keys_than_one_answer_holds_are_listed() -> None:
    with bucket("gs") as server:
        server.gcs.page = 4
        store = ObjectStore.open(server.url, server.environment)
        keys = tuple(f"runs/{number:02}" for number in range(13))
        for key in keys:
            store.put_if(key, b"", None)
        assert store.list("runs/") == keys


def test_no_credentials_are_told_with_what_to_set(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "STORAGE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", CLOSED)
    monkeypatch.setenv("GCE_METADATA_HOST", CLOSED.removeprefix("http://"))
    store = ObjectStore.open(server.url, {})
    with pytest.raises(StoreError, match="there are no usable credentials for") as caught:
        store.get("a")
    assert ("AWS_ACCESS_KEY_ID" if server.kind == "s3" else "GOOGLE_APPLICATION_CREDENTIALS") in caught.value.resolution


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with bucket("s3") as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.mark.parametrize(
    ("kind", "variables", "told"),
    [
        ("gs", {"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent"}, "/nonexistent"),
        ("gs", {"GOOGLE_APPLICATION_CREDENTIALS": __file__}, "service account file"),
        ("s3", {"AWS_ACCESS_KEY_ID": "a"}, "SecretAccessKey"),
        ("s3", {"AWS_SECRET_ACCESS_KEY": "b"}, "AccessKeyId"),
        (
            "s3",
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
            "/nonexistent",
        ),
    ],
)
def test_half_and_broken_credentials_are_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, kind: str, variables: dict[str, str], told: str
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="there are no usable credentials") as caught:
        ObjectStore.open(f"{kind}://state/team", variables).get("a")
    assert told in caught.value.details


def test_wrong_credentials_are_told_with_the_rights_that_are_needed(s3: Server) -> None:
    """moto checks them for as long as it is told to."""
    httpx.post(f"{s3.address}/moto-api/reset-auth", content="0").raise_for_status()
    try:
        store = ObjectStore.open(s3.url, s3.environment)
        for use in (lambda: store.get("a"), lambda: store.put_if("a", b"1", None), lambda: store.list("")):
            with pytest.raises(StoreError, match="the credentials may not use s3://state/team/one") as caught:
                use()
            assert "InvalidAccessKeyId" in caught.value.details
            assert "s3:PutObject" in caught.value.resolution
    finally:
        httpx.post(f"{s3.address}/moto-api/reset-auth", content="inf").raise_for_status()


def test_a_profile_of_the_users_files_is_used(s3: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    file.write_text("[team]\naws_access_key_id = somebody\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "team")
    ObjectStore.open(s3.url, dict(os.environ)).put_if("a", b"1", None)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreError, match="there are no usable credentials") as caught:
        ObjectStore.open(s3.url, dict(os.environ))
    assert "nobody" in caught.value.details


@pytest.mark.parametrize("seed", range(3))
def test_a_run_over_a_bad_line_is_recorded_once_and_in_order(server: Server, seed: int) -> None:
    """Every third request or answer is lost; the owner tries on, and a stranger asks for an abort in between."""
    chance = random.Random(seed)
    bad = (Line.ANSWER_LOST, Line.REQUEST_LOST, Line.BROKEN, Line.LATE)
    clock = FakeClock()
    steady = ObjectStore.open(server.url, server.environment)
    owned = OwnedRun.begin(steady, clock, kind="roll", subject="web/prod", plan={})
    with line_to(server.address, lambda *_: chance.choice(bad) if chance.random() < 0.3 else Line.GOOD) as address:
        owned._store = open_at(server, address)
        for number in range(15):
            owned.write(owned.event(What.NOTE, data={"text": str(number)}))
            if number == 7:
                ownership.request_abort(steady, clock, owned.run, "wrong")
        going = History(steady).live_run("web/prod")
        assert going is not None
        owned.end(RunState.DONE)
    ended = History(steady).run(owned.run.id)
    assert ended is not None
    for run in (going, ended):
        assert [event.data["text"] for event in run.events] == [str(number) for number in range(15)]
        assert [request.why for request in run.requests] == ["wrong"]
    assert ended.state is RunState.DONE
    OwnedRun.begin(steady, clock, kind="roll", subject="web/prod", plan={})
