"""What the local balancer decides and writes: how shares are spread, its file, HAProxy's words taken apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.clouds.local import balancer
from phoenix.clouds.local.balancer import Leaving, State
from phoenix.errors import CloudError
from phoenix.tools.haproxy import Balancer, Check, Server, Slot, configuration, quote
from phoenix.tools.haproxy_socket import ServerState, parse_map, parse_statistics
from phoenix.tools.process import ProcessId

CHECK = Check(path="/healthz", status=200, interval=2.0)


@st.composite
def shares(draw: st.DrawFn) -> dict[str, int]:
    cuts = sorted(draw(st.lists(st.integers(1, 99), max_size=7, unique=True)))
    edges = [0, *cuts, 100]
    return {f"web-v{n:03d}": high - low for n, (low, high) in enumerate(pairwise(edges), 1)}


@given(shares())
def test_shares_are_spread_exactly_and_evenly(wanted: dict[str, int]) -> None:
    pattern = balancer.spread(wanted)
    assert {group: pattern.count(group) for group in wanted} == wanted
    for group, share in wanted.items():
        for length in (10, 50):
            windows = [(pattern * 2)[start : start + length].count(group) for start in range(100)]
            assert max(windows) - min(windows) <= 3
            assert abs(max(windows) - share * length / 100) < 3


def test_five_percent_is_every_twentieth_request() -> None:
    pattern = balancer.spread({"old": 95, "new": 5})
    places = [number for number, group in enumerate(pattern) if group == "new"]
    assert [later - earlier for earlier, later in pairwise(places)] == [20, 20, 20, 20]


def test_no_shares_make_no_pattern() -> None:
    assert balancer.spread({}) == ()


def state() -> State:
    fresh = balancer.fresh("127.0.0.1:8000", CHECK)
    first = fresh.free(CHECK)
    assert first is not None
    return fresh.put(
        balancer.Slot(
            name=first.name,
            preview=first.preview,
            check=first.check,
            group="web-v001",
            members=(("web-v001-1", "127.0.0.1:9001"),),
        )
    )


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    process = ProcessId(pid=1, started=2, boot="b")
    leaving = Leaving(process=process, groups=("web-v001",))
    full = State(
        listen="127.0.0.1:1", slots=state().slots, shares={"web-v001": 100}, process=process, leaving=(leaving,)
    )
    balancer.save(tmp_path, full)
    assert balancer.load(tmp_path) == full
    assert balancer.load(tmp_path / "nothing") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 99}', "null"])
def test_a_damaged_file_is_an_error_not_an_empty_balancer(tmp_path: Path, text: str) -> None:
    balancer.save(tmp_path, state())
    (tmp_path / "balancer.json").write_text(text)
    with pytest.raises(CloudError, match="cannot be read"):
        balancer.load(tmp_path)


def test_a_group_keeps_the_check_it_came_with() -> None:
    today = Check(path="/ready", status=204, interval=1.0)
    changed = state().ready_for("127.0.0.1:8001", today)
    assert changed.listen == "127.0.0.1:8001"
    assert [slot.check for slot in changed.slots] == [CHECK, *[today] * (balancer.SLOTS - 1)]


def test_free_slots_change_only_where_none_fits() -> None:
    other = Check(path="/ready", status=204, interval=1.0)
    full = state().ready_for("127.0.0.1:8000", other)
    left = full.put(replace(full.slots[0], group=None, members=()))
    often = replace(other, interval=0.5)
    assert [slot.check for slot in left.ready_for("127.0.0.1:8000", often).slots] == [CHECK, *[often] * 7]


def test_the_frame_is_what_cannot_change_at_run_time() -> None:
    bare = Balancer(listen="127.0.0.1:1", slots=(Slot(name="slot0", path="/", status=200, preview="127.0.0.1:2"),))
    server = Server(name="a", address="127.0.0.1:3", check=CHECK)
    slot = Slot(name="slot0", path="/", status=200, preview="127.0.0.1:2", servers=(server,))
    assert Balancer(listen="127.0.0.1:1", slots=(slot,), shares=("slot0",) * 100).frame == bare.frame
    assert bare.frame in configuration(bare)
    others = [
        Balancer(listen="127.0.0.1:9", slots=bare.slots),
        Balancer(listen="127.0.0.1:1", slots=(Slot(name="slot0", path="/x", status=200, preview="127.0.0.1:2"),)),
        Balancer(listen="127.0.0.1:1", slots=(Slot(name="slot0", path="/", status=204, preview="127.0.0.1:2"),)),
        Balancer(listen="127.0.0.1:1", slots=(Slot(name="slot0", path="/", status=200, preview="127.0.0.1:9"),)),
    ]
    assert len({bare.frame, *(other.frame for other in others)}) == 5


@pytest.mark.parametrize("address", ["host:80", "127.0.0.1", "127.0.0.1:80 check", "::1:80", "127.0.0.1:80\n", ""])
def test_only_addresses_enter_the_configuration(address: str) -> None:
    with pytest.raises(ValueError, match="IP:PORT"):
        Server(name="a", address=address, check=CHECK)
    with pytest.raises(ValueError, match="IP:PORT"):
        configuration(Balancer(listen=address, slots=()))


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "a;b", "ä"])
def test_only_names_enter_the_configuration(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Server(name=name, address="127.0.0.1:80", check=CHECK)


@pytest.mark.parametrize(
    "check", [("healthz", 200, 1.0), ("/a b", 200, 1.0), ("/\n", 200, 1.0), ("/", 99, 1.0), ("/", 200, 0.0)]
)
def test_only_checks_enter_the_configuration(check: tuple[str, int, float]) -> None:
    with pytest.raises(ValueError, match="health check"):
        Check(path=check[0], status=check[1], interval=check[2])


def test_a_word_is_quoted_whole() -> None:
    assert quote("/a'b") == r"""'/a'\''b'"""


STAT = """# pxname,svname,scur,status,check_status,addr,
service,FRONTEND,7,OPEN,,,
slot0,a-1,1,UP,L7OK,127.0.0.1:1,
slot0,a-2,0,UP 1/3,* INI,127.0.0.1:2,
slot0,a-3,0,DOWN 1/2,* L7OK,127.0.0.1:3,
slot0,a-4,2,MAINT,L7OK,127.0.0.1:4,
slot0,a-5,0,UP 2/3,L7STS,127.0.0.1:5,
slot0,BACKEND,3,UP,,,

"""


def test_statistics_are_taken_apart() -> None:
    seen = parse_statistics(STAT)
    assert seen.sessions == {"slot0": 3}
    assert seen.of("slot0")[0] == ServerState(
        slot="slot0", name="a-1", address="127.0.0.1:1", status="UP", check="L7OK", sessions=1
    )
    assert [server.name for server in seen.of("slot0") if server.healthy] == ["a-1", "a-5"]
    assert [server.name for server in seen.of("slot0") if server.leaving] == ["a-4"]
    assert seen.of("slot1") == ()


def test_a_map_is_read_in_the_order_of_its_numbers() -> None:
    assert parse_map("0x2 10 slot1\n0x1 2 slot0\n0x3 0 slot2\n\n") == ("slot2", "slot0", "slot1")
    assert parse_map("\n") == ()
