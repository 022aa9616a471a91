"""A state file's bad days: damaged, full disk, no right to write, moved away and back. Each one clear error."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phoenix.errors import UnreachableError
from phoenix.execute.ownership import OwnedRun
from phoenix.record.history import History
from phoenix.record.journal import What
from phoenix.record.sqlite import SqliteStore
from phoenix.record.store import ConflictError, DamagedError, StoreError, Value
from tests.support.fakes.doubles import FakeClock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


@pytest.fixture
def store(file: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(file)
    yield opened
    opened.close()


def again(file: Path, key: str = "a") -> bytes | None:
    """What a process that begins now reads."""
    store = SqliteStore(file)
    value = store.get(key)
    store.close()
    return value.data if value else None


READER = """
import pathlib, sys
from phoenix.record.sqlite import SqliteStore
store = SqliteStore(pathlib.Path(sys.argv[1]))
print(store.get("a").data.decode(), store.list(""))
"""
"""A process of its own that reads a state."""


def in_a_namespace(directory: Path, before: str, body: str) -> dict[str, Any]:
    """What a process prints for which `directory` is mounted as `before` says; `body` has `store` and `trouble()`."""
    directory.mkdir(exist_ok=True)
    head = f"""
        import json, os, pathlib, subprocess, sys
        from phoenix.record.sqlite import SqliteStore
        from phoenix.record.store import StoreError
        file = pathlib.Path({str(directory)!r}) / "state.db"
        store = SqliteStore(file)
        told, reader = [], {READER!r}
        def trouble(action):
            try:
                return action()
            except StoreError as error:
                told.append([error.brief, error.details, error.resolution])
    """
    program = textwrap.dedent(head) + textwrap.dedent(body)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", f"{before}\nexec {sys.executable} -"],
        input=program,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_reading_makes_no_file(store: SqliteStore, file: Path) -> None:
    assert store.get("a") is None
    assert store.list("") == ()
    assert not file.parent.exists()
    store.put_if("a", b"1", None)
    assert file.exists()


def test_a_file_that_is_no_state_is_one_clear_error(store: SqliteStore, file: Path) -> None:
    file.parent.mkdir()
    content = b"this is no database, and long enough to be read as one" * 100
    file.write_bytes(content)
    for use in (lambda: store.get("a"), lambda: store.put_if("a", b"1", None), lambda: store.list("")):
        with pytest.raises(DamagedError, match="the state file is damaged") as caught:
            use()
        assert str(file) in caught.value.details
        assert "backup" in caught.value.resolution
    assert file.read_bytes() == content, "what may still be of use to somebody is left alone"


def test_an_empty_file_is_one_clear_error(store: SqliteStore, file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    with pytest.raises(DamagedError, match="the state file is damaged"):
        store.get("a")
    with pytest.raises(DamagedError, match="the state file is damaged"):
        store.put_if("a", b"2", None)


def test_many_may_make_the_file_at_once(tmp_path: Path) -> None:
    """Each of them gets its write through, and nothing else is left beside the file."""
    troubles: list[StoreError] = []
    for number in range(40):
        file = tmp_path / str(number) / "state.db"
        together = threading.Barrier(4)

        def create(key: int, file: Path = file, together: threading.Barrier = together) -> None:
            store = SqliteStore(file)
            together.wait()
            try:
                store.put_if(str(key), b"", None)
            except StoreError as error:
                troubles.append(error)
            store.close()

        threads = [threading.Thread(target=create, args=(key,)) for key in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        store = SqliteStore(file)
        assert store.list("") == ("0", "1", "2", "3")
        store.close()
        assert [left.name for left in file.parent.iterdir()] == ["state.db"]
    assert troubles == []


def test_damage_within_the_file_is_one_clear_error(store: SqliteStore, file: Path) -> None:
    tag = store.put_if("a", b"1" * 50_000, None)
    store.close()
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\x55" * (file.stat().st_size - 4096))
    with pytest.raises(DamagedError, match="the state file is damaged"):
        store.get("a")
    with pytest.raises(DamagedError, match="the state file is damaged"):
        store.put_if("a", b"2", tag)


def test_a_run_whose_state_was_damaged_is_told_at_once(store: SqliteStore, file: Path) -> None:
    """Waiting for a state to come back is for one that is away."""
    clock = FakeClock()
    owned = OwnedRun.begin(store, clock, kind="roll", subject="web/prod", plan={})
    store.close()
    for left in file.parent.iterdir():
        left.unlink()
    file.write_bytes(b"this is no database, and long enough to be read as one" * 100)
    with pytest.raises(DamagedError, match="the state file is damaged") as caught:
        owned.write(owned.event(What.NOTE, data={"text": "x"}))
    assert clock.seconds == 0
    assert caught.value.exit_code == 5
    assert not isinstance(caught.value, UnreachableError)


def test_a_directory_in_the_files_place_is_one_clear_error(store: SqliteStore, file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(StoreError, match="the state cannot be read") as caught:
        store.get("a")
    with pytest.raises(StoreError, match="the state cannot be written"):
        store.put_if("a", b"1", None)
    assert str(file) in caught.value.details
    assert "you may use the file" in caught.value.resolution


def test_a_file_that_was_moved_away_is_not_made_anew_and_goes_on_when_it_is_back(
    store: SqliteStore, file: Path, tmp_path: Path
) -> None:
    tag = store.put_if("a", b"1", None)
    shutil.move(file.parent, tmp_path / "elsewhere")
    for use in (lambda: store.get("a"), lambda: store.put_if("a", b"2", tag), lambda: store.put_if("b", b"2", None)):
        with pytest.raises(StoreError, match="the state file is gone") as caught:
            use()
        assert "Put it back" in caught.value.resolution
    assert not file.exists()
    shutil.move(tmp_path / "elsewhere", file.parent)
    assert store.get("a") == Value(data=b"1", tag=tag)
    store.put_if("a", b"2", tag)
    assert again(file) == b"2"


def test_a_run_goes_on_when_the_file_that_was_moved_away_is_back(
    store: SqliteStore, file: Path, tmp_path: Path
) -> None:
    clock = FakeClock()
    owned = OwnedRun.begin(store, clock, kind="roll", subject="web/prod", plan={})
    shutil.move(file.parent, tmp_path / "elsewhere")

    def put_back() -> None:
        if clock.seconds >= 5 and not file.exists():
            shutil.move(tmp_path / "elsewhere", file.parent)

    clock.on_sleep = put_back
    owned.write(owned.event(What.NOTE, data={"text": "x"}))
    assert clock.seconds < 7
    run = History(store).live_run("web/prod")
    assert run is not None
    assert [event.data["text"] for event in run.events] == ["x"]


def test_a_file_that_was_put_back_from_a_backup_is_the_one_that_counts(store: SqliteStore, file: Path) -> None:
    first = store.put_if("a", b"1", None)
    store.close()
    backup = file.read_bytes()
    second = store.put_if("a", b"2", first)
    for left in file.parent.iterdir():
        left.unlink()
    (file.parent / "copy").write_bytes(backup)
    (file.parent / "copy").rename(file)
    with pytest.raises(ConflictError):
        store.put_if("a", b"3", second)
    assert store.get("a") == Value(data=b"1", tag=first)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "small"
    result = in_a_namespace(
        directory,
        f"mount -t tmpfs -o size=512k small {directory}",
        """
        tag = store.put_if("a", b"first", None)
        filler = file.with_name("filler")
        with filler.open("wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"x" * 4096)
            except OSError:
                pass
        trouble(lambda: store.put_if("b", b"y" * 100_000, None))
        trouble(lambda: store.put_if("a", b"second" * 20_000, tag))
        same = store.get("a").data.decode()
        fresh = subprocess.run([sys.executable, "-c", reader, str(file)], capture_output=True, text=True)
        filler.unlink()
        store.put_if("a", b"third", tag)
        after = store.get("a").data.decode()
        said = fresh.stdout + fresh.stderr
        print(json.dumps({"told": told, "same": same, "fresh": said, "after": after, "keys": store.list("")}))
        """,
    )
    assert [brief for brief, _, _ in result["told"]] == ["the state cannot be written: the disk is full"] * 2
    assert "Make room" in result["told"][0][2]
    assert result["same"] == "first"
    assert result["fresh"] == "first ('a',)\n"
    assert (result["after"], result["keys"]) == ("third", ["a"])


@pytest.mark.parametrize("crashed", [False, True])
def test_a_directory_that_cannot_be_written_can_be_read(store: SqliteStore, file: Path, crashed: bool) -> None:
    store.put_if("a", b"1", None)
    if crashed:  # the log of the last writes and its index are left beside the file
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            shutil.copy(file.with_name(name), file.with_name(f"copy-{name}"))
    store.close()
    if crashed:
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            file.with_name(f"copy-{name}").rename(file.with_name(name))
    result = in_a_namespace(
        file.parent,
        f"mount --bind {file.parent} {file.parent}\nmount -o remount,bind,ro {file.parent}",
        """
        value = store.get("a")
        trouble(lambda: store.put_if("a", b"2", value.tag))
        trouble(lambda: store.put_if("b", b"2", None))
        print(json.dumps({"told": told, "read": store.get("a").data.decode(), "keys": store.list("")}))
        """,
    )
    assert (result["read"], result["keys"]) == ("1", ["a"])
    assert [brief for brief, _, _ in result["told"]] == ["the state cannot be written"] * 2
    assert "you may use the file and its directory" in result["told"][0][2]


def test_where_nothing_can_be_written_an_empty_state_can_be_read(tmp_path: Path) -> None:
    directory = tmp_path / "empty"
    result = in_a_namespace(
        directory,
        f"mount -t tmpfs -o ro empty {directory}",
        """
        read = [store.get("a"), store.list("")]
        trouble(lambda: store.put_if("a", b"2", None))
        print(json.dumps({"told": told, "read": read}))
        """,
    )
    assert result["read"] == [None, []]
    assert [brief for brief, _, _ in result["told"]] == ["the state cannot be written"]


def test_another_user_may_read_what_he_may_not_write(store: SqliteStore, file: Path) -> None:
    store.put_if("a", b"1", None)
    store.close()
    file.parent.chmod(0o755)
    file.chmod(0o644)
    file.parent.parent.chmod(0o755)
    result = in_a_namespace(
        file.parent,
        f"mount --bind {file.parent.parent} /mnt",
        """
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        store = SqliteStore(pathlib.Path("/mnt/state/state.db"))
        read = store.get("a").data.decode()
        trouble(lambda: store.put_if("b", b"2", None))
        print(json.dumps({"told": told, "read": read}))
        """,
    )
    assert result["read"] == "1"
    assert [brief for brief, _, _ in result["told"]] == ["the state cannot be written"]
