"""Every store keeps the same promises: compare-and-swap, tags that are never given twice, sorted keys."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phoenix.errors import CloudError
from phoenix.record.sqlite import SqliteStore
from phoenix.record.store import ConflictError, Store
from tests.doubles import MemoryStore


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    sqlite = SqliteStore(tmp_path / "state.db")
    yield sqlite
    sqlite.close()


def test_nothing_stands_at_first(store: Store) -> None:
    assert store.get("a") is None
    assert store.list("") == ()


def test_a_key_is_created_once(store: Store) -> None:
    store.put_if("a", b"1", None)
    with pytest.raises(ConflictError):
        store.put_if("a", b"2", None)
    value = store.get("a")
    assert value is not None
    assert value.data == b"1"


def test_only_the_current_tag_writes(store: Store) -> None:
    first = store.put_if("a", b"1", None)
    second = store.put_if("a", b"2", first)
    with pytest.raises(ConflictError):
        store.put_if("a", b"3", first)
    store.put_if("a", b"3", second)


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
    with pytest.raises(ConflictError):
        store.put_if("a", b"2", tag)
    with pytest.raises(ConflictError):
        store.delete_if("a", tag)


def test_keys_are_listed_by_prefix_in_order(store: Store) -> None:
    for key in ("runs/b", "runs/a", "live/x", "runs_/c", "run%/d"):
        store.put_if(key, b"", None)
    assert store.list("runs/") == ("runs/a", "runs/b")
    assert store.list("run%") == ("run%/d",)


def _add(file: Path, times: int) -> None:
    store = SqliteStore(file)
    for _ in range(times):
        while True:
            value = store.get("n")
            try:
                store.put_if("n", str(int(value.data if value else b"0") + 1).encode(), value.tag if value else None)
            except ConflictError:
                continue
            break
    store.close()


def test_no_write_of_many_processes_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add, args=(file, 20)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store = SqliteStore(file)
    value = store.get("n")
    store.close()
    assert value is not None
    assert value.data == b"80"


def damaged(file: Path) -> None:
    file.write_bytes(b"this is no database, and long enough to be read as one" * 100)


def unwritable(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize("harm", [damaged, unwritable])
def test_a_bad_state_file_is_one_clear_error(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    file = tmp_path / "state.db"
    harm(file)
    store = SqliteStore(file)
    with pytest.raises(CloudError, match="the state cannot be used") as caught:
        store.get("a")
    assert str(file) in caught.value.details
    assert caught.value.resolution
