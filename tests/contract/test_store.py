"""Every store keeps the same promises: compare-and-swap, tags that are never given twice, sorted keys."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from phoenix.record.objects import ObjectStore
from phoenix.record.sqlite import SqliteStore
from phoenix.record.store import ConflictError, Store
from tests.support.fakes.buckets import KINDS, Server, bucket
from tests.support.fakes.doubles import MemoryStore


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a state stands that many processes reach."""

    file: Path | None = None
    server: Server | None = None

    def open(self) -> SqliteStore | ObjectStore:
        if self.file is not None:
            return SqliteStore(self.file)
        assert self.server is not None
        return ObjectStore.open(self.server.url, self.server.environment)


def place_of(kind: str, stack: ExitStack, patch: pytest.MonkeyPatch, directory: Path) -> Place:
    if kind == "sqlite":
        return Place(file=directory / "state.db")
    server = stack.enter_context(bucket(kind))
    for name, value in server.environment.items():
        patch.setenv(name, value)
    return Place(server=Server(kind=server.kind, address=server.address))


def close(store: Store) -> None:
    if isinstance(store, SqliteStore):
        store.close()


@pytest.fixture(params=["sqlite", *KINDS])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield place_of(request.param, stack, monkeypatch, tmp_path)


@pytest.fixture(params=["memory", "sqlite", *KINDS])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    with ExitStack() as stack:
        opened = place_of(request.param, stack, monkeypatch, tmp_path).open()
        yield opened
        close(opened)


def test_nothing_stands_at_first(store: Store) -> None:
    assert store.get("a") is None
    assert store.list("") == ()


def test_a_key_is_created_once(store: Store) -> None:
    store.put_if("a", b"1", None)
    with pytest.raises(ConflictError) as caught:
        store.put_if("a", b"2", None)
    assert "value a has changed" in caught.value.details
    assert "phoenix status" in caught.value.resolution
    value = store.get("a")
    assert value is not None
    assert value.data == b"1"


def test_the_tag_of_a_write_is_the_tag_that_is_read(store: Store) -> None:
    tag = store.put_if("a", b"1\n2", None)
    value = store.get("a")
    assert value is not None
    assert (value.data, value.tag) == (b"1\n2", tag)


def test_a_value_may_be_empty(store: Store) -> None:
    tag = store.put_if("a", b"", None)
    value = store.get("a")
    assert value is not None
    assert value.data == b""
    assert store.list("") == ("a",)
    store.delete_if("a", tag)
    assert store.get("a") is None


def test_only_the_current_tag_writes(store: Store) -> None:
    first = store.put_if("a", b"1", None)
    second = store.put_if("a", b"2", first)
    with pytest.raises(ConflictError):
        store.put_if("a", b"3", first)
    store.put_if("a", b"3", second)


def test_what_was_never_there_is_not_overwritten(store: Store) -> None:
    tag = store.put_if("a", b"1", None)
    with pytest.raises(ConflictError):
        store.put_if("b", b"1", tag)
    assert store.get("b") is None


def test_the_same_data_again_has_another_tag(store: Store) -> None:
    first = store.put_if("a", b"A", None)
    second = store.put_if("a", b"B", first)
    third = store.put_if("a", b"A", second)
    assert len({first, second, third}) == 3
    with pytest.raises(ConflictError):
        store.put_if("a", b"C", first)


def test_a_deleted_key_is_free_and_an_old_tag_stays_dead(store: Store) -> None:
    tag = store.put_if("a", b"1", None)
    store.delete_if("a", tag)
    assert store.get("a") is None
    assert store.list("") == ()
    with pytest.raises(ConflictError):
        store.put_if("a", b"2", tag)
    with pytest.raises(ConflictError):
        store.delete_if("a", tag)


def test_a_deleted_key_is_created_again_and_its_old_tags_stay_dead(store: Store) -> None:
    first = store.put_if("a", b"1", None)
    store.delete_if("a", first)
    again = store.put_if("a", b"1", None)
    assert again != first
    with pytest.raises(ConflictError):
        store.put_if("a", b"2", None)
    with pytest.raises(ConflictError):
        store.delete_if("a", first)
    assert store.list("") == ("a",)
    store.delete_if("a", again)
    assert store.get("a") is None


def test_a_changed_key_is_not_deleted(store: Store) -> None:
    first = store.put_if("a", b"1", None)
    store.put_if("a", b"2", first)
    with pytest.raises(ConflictError):
        store.delete_if("a", first)
    value = store.get("a")
    assert value is not None
    assert value.data == b"2"


def test_keys_are_listed_by_prefix_in_order(store: Store) -> None:
    for key in ("runs/b", "runs/a", "live/x", "runs_/c", "run%/d"):
        store.put_if(key, b"", None)
    assert store.list("runs/") == ("runs/a", "runs/b")
    assert store.list("run%") == ("run%/d",)


@pytest.mark.parametrize("deleted", [False, True])
def test_of_eight_threads_that_create_one_key_one_wins(place: Place, deleted: bool) -> None:
    first = place.open()
    if deleted:
        first.delete_if("a", first.put_if("a", b"x", None))
    won: list[int] = []
    together = threading.Barrier(8)

    def create(number: int) -> None:
        store = place.open()
        together.wait()
        try:
            store.put_if("a", str(number).encode(), None)
        except ConflictError:
            return
        finally:
            close(store)
        won.append(number)

    in_threads(create, 8)
    value = first.get("a")
    close(first)
    assert value is not None
    assert [value.data] == [str(number).encode() for number in won]


def test_of_eight_threads_that_delete_one_key_one_wins(place: Place) -> None:
    first = place.open()
    tag = first.put_if("a", b"1", None)
    won: list[int] = []
    together = threading.Barrier(8)

    def delete(number: int) -> None:
        store = place.open()
        together.wait()
        try:
            store.delete_if("a", tag)
        except ConflictError:
            return
        finally:
            close(store)
        won.append(number)

    in_threads(delete, 8)
    assert first.get("a") is None
    close(first)
    assert len(won) == 1


def test_a_key_that_is_created_and_deleted_by_many_has_one_owner_at_a_time(place: Place) -> None:
    """What `live/SUBJECT` goes through: whoever creates it owns it until it deletes it."""
    inside: list[int] = []
    trouble: list[str] = []

    def own(number: int) -> None:
        store = place.open()
        for _ in range(4):
            while True:
                try:
                    tag = store.put_if("live/a", str(number).encode(), None)
                except ConflictError:
                    continue
                break
            inside.append(number)
            value = store.get("live/a")
            if inside != [number] or value is None or value.data != str(number).encode():
                trouble.append(f"{number}: {inside} {value}")
            inside.remove(number)
            store.delete_if("live/a", tag)
        close(store)

    in_threads(own, 4)
    assert trouble == []


def in_threads(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _add(place: Place, times: int) -> None:
    store = place.open()
    for _ in range(times):
        while True:
            value = store.get("n")
            try:
                store.put_if("n", str(int(value.data if value else b"0") + 1).encode(), value.tag if value else None)
            except ConflictError:
                continue
            break
    close(store)


def test_no_write_of_many_processes_is_lost(place: Place) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add, args=(place, 20)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    store = place.open()
    value = store.get("n")
    close(store)
    assert value is not None
    assert value.data == b"80"
