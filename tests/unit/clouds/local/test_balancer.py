"""What the local balancer decides and writes: how shares are spread, its file, HAProxy's words taken apart."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.clouds.local import balancer
from phoenix.clouds.local.balancer import Leaving, State
from phoenix.errors import CloudError
from phoenix.manner import Forwarded, Timeouts
from phoenix.tools.haproxy import Balancer, Check, Slot, Terms, configuration, quote
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


TERMS = Terms()
MORE = Terms(timeouts=Timeouts(response=120.0), headers=32 * 1024, forwarded=Forwarded.APPEND, drain=3600.0)


def test_a_former_process_has_as_long_as_a_request_may_take() -> None:
    slot = Slot(name="slot0", check=CHECK, preview="127.0.0.1:2", seats=())
    texts = [configuration(Balancer(listen="127.0.0.1:1", slots=(slot,), terms=terms)) for terms in (TERMS, MORE)]
    wanted = (
        ("hard-stop-after 900000ms", "timeout server 60000ms", "timeout connect 5000ms"),
        (
            "hard-stop-after 3600000ms",
            "timeout server 120000ms",
            "tune.bufsize 33792",
        ),
    )
    assert [line for text, lines in zip(texts, wanted, strict=True) for line in lines if f" {line}\n" not in text] == []


def state() -> State:
    fresh = balancer.fresh("127.0.0.1:8000", CHECK, TERMS)
    first = fresh.free(CHECK)
    assert first is not None
    return fresh.put(first.with_group("web-v001", {"web-v001-1": "127.0.0.1:9001"}, frozenset()))


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    process = ProcessId(pid=1, started=2, boot="b")
    leaving = Leaving(process=process, groups=("web-v001",))
    full = State(
        listen="127.0.0.1:1",
        slots=state().slots,
        shares={"web-v001": 100},
        process=process,
        leaving=(leaving,),
        terms=MORE,
    )
    balancer.save(tmp_path, full)
    assert balancer.load(tmp_path) == full
    file = tmp_path / "balancer.json"
    former = {key: value for key, value in json.loads(file.read_text()).items() if key != "terms"}
    file.write_text(json.dumps(former))
    assert balancer.load(tmp_path) == replace(full, terms=TERMS), "of a phoenix that had none"
    assert balancer.load(tmp_path / "nothing") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 99}', "null"])
def test_a_damaged_file_is_an_error_not_an_empty_balancer(tmp_path: Path, text: str) -> None:
    balancer.save(tmp_path, state())
    (tmp_path / "balancer.json").write_text(text)
    with pytest.raises(CloudError, match="cannot be read"):
        balancer.load(tmp_path)


def test_a_group_keeps_the_check_it_came_with() -> None:
    today = Check(path="/ready", status=204, interval=1.0)
    changed = state().ready_for("127.0.0.1:8001", today, TERMS)
    assert changed.listen == "127.0.0.1:8001"
    assert changed.ready_for("127.0.0.1:8001", today, MORE).balancer().terms == MORE
    assert [slot.check for slot in changed.slots] == [CHECK, *[today] * (balancer.SLOTS - 1)]


def test_free_slots_change_only_where_none_fits() -> None:
    other = Check(path="/ready", status=204, interval=1.0)
    full = state().ready_for("127.0.0.1:8000", other, TERMS)
    left = full.put(replace(full.slots[0], group=None, members=()))
    assert left.ready_for("127.0.0.1:8000", other, TERMS) == left
    assert left.free(other) == left.slots[1]
    assert left.ready_for("127.0.0.1:8000", CHECK, TERMS).free(CHECK) == left.slots[0]


MACHINES = {f"m{number}": f"127.0.0.1:{number}" for number in range(1, 40)}


@given(st.lists(st.tuples(st.sets(st.sampled_from(sorted(MACHINES))), st.sets(st.integers(0, 40))), max_size=6))
def test_a_machine_that_stays_keeps_its_seat_and_no_seat_is_shared(turns: list[tuple[set[str], set[int]]]) -> None:
    slot = balancer.Slot(name="slot0", preview="127.0.0.1:1", check=CHECK)
    for names, busy in turns:
        wanted = {name: MACHINES[name] for name in names}
        before, slot = slot, slot.with_group("web-v001", wanted, frozenset(busy))
        assert {member.name: member.address for member in slot.members} == wanted
        seats = {member.name: member.seat for member in slot.members}
        former = {member.name: member.seat for member in before.members}
        assert len(set(seats.values())) == len(seats)
        for name, seat in seats.items():
            if name in former:
                assert seat == former[name]
            else:
                assert seat not in busy | set(former.values())
        full = state().put(replace(slot, name="slot1"))
        assert full.seats >= balancer.SEATS
        assert full.seats > max(seats.values(), default=0)
        assert full.seats.bit_count() == 1


def test_a_machine_at_another_address_takes_another_seat() -> None:
    slot = balancer.Slot(name="slot0", preview="127.0.0.1:1", check=CHECK)
    first = slot.with_group("g", {"a": "127.0.0.1:1", "b": "127.0.0.1:2"}, frozenset())
    second = first.with_group("g", {"a": "127.0.0.1:9", "b": "127.0.0.1:2"}, frozenset({2}))
    assert second.members == (
        balancer.Member(name="a", address="127.0.0.1:9", seat=3),
        balancer.Member(name="b", address="127.0.0.1:2", seat=1),
    )


def test_a_reload_starts_with_the_machines_that_were_known() -> None:
    known = state()
    slot = known.slots[0].with_group("web-v001", {"web-v001-1": "127.0.0.1:9001", "n": "127.0.0.1:2"}, frozenset())
    assert known.put(slot).only_with(known) == known


def test_the_frame_is_what_cannot_change_at_run_time() -> None:
    slot = Slot(name="slot0", check=CHECK, preview="127.0.0.1:2", seats=(None, None))
    bare = Balancer(listen="127.0.0.1:1", slots=(slot,))
    taken = replace(slot, seats=("127.0.0.1:3", None))
    assert replace(bare, slots=(taken,), shares=("slot0",) * 100).frame == bare.frame
    assert bare.frame in configuration(bare)
    others = [
        replace(slot, check=replace(CHECK, path="/x")),
        replace(slot, check=replace(CHECK, status=204)),
        replace(slot, check=replace(CHECK, interval=9.0)),
        replace(slot, preview="127.0.0.1:9"),
        replace(slot, seats=(None, None, None)),
    ]
    frames = {replace(bare, slots=(other,)).frame for other in others}
    assert len({bare.frame, replace(bare, listen="127.0.0.1:9").frame, *frames}) == 7


@pytest.mark.parametrize("address", ["host:80", "127.0.0.1", "127.0.0.1:80 check", "::1:80", "127.0.0.1:80\n", ""])
def test_only_addresses_enter_the_configuration(address: str) -> None:
    slot = Slot(name="slot0", check=CHECK, preview="127.0.0.1:2", seats=())
    for balancer_ in (
        Balancer(listen=address, slots=(slot,)),
        Balancer(listen="127.0.0.1:1", slots=(replace(slot, preview=address),)),
        Balancer(listen="127.0.0.1:1", slots=(replace(slot, seats=(address or " ",)),)),
    ):
        with pytest.raises(ValueError, match="IP:PORT"):
            configuration(balancer_)


@pytest.mark.parametrize(
    "check", [("healthz", 200, 1.0), ("/a b", 200, 1.0), ("/\n", 200, 1.0), ("/", 99, 1.0), ("/", 200, 0.0)]
)
def test_only_checks_enter_the_configuration(check: tuple[str, int, float]) -> None:
    with pytest.raises(ValueError, match="health check"):
        Check(path=check[0], status=check[1], interval=check[2])


def test_a_word_is_quoted_whole() -> None:
    assert quote("/a'b") == r"""'/a'\''b'"""


STAT = """# pxname,svname,scur,status,check_status,check_code,last_chk,addr,
service,FRONTEND,7,OPEN,,,,,
slot0,a-1,1,UP,L7OK,,,127.0.0.1:1,
slot0,a-2,0,UP 1/3,* INI,,,127.0.0.1:2,
slot0,a-3,0,DOWN 1/2,* L7OK,,,127.0.0.1:3,
slot0,a-4,2,MAINT,L7OK,,,127.0.0.1:4,
slot0,a-5,0,UP 2/3,L7STS,,,127.0.0.1:5,
slot0,BACKEND,3,UP,,,,,

"""


def test_statistics_are_taken_apart() -> None:
    seen = parse_statistics(STAT)
    assert seen.sessions == {"slot0": 3}
    assert seen.of("slot0")["a-1"] == ServerState(
        slot="slot0", name="a-1", address="127.0.0.1:1", status="UP", check="L7OK", sessions=1
    )
    assert [name for name, server in seen.of("slot0").items() if server.healthy] == ["a-1", "a-5"]
    assert [name for name, server in seen.of("slot0").items() if server.retired] == ["a-4"]
    assert seen.of("slot1") == {}


def test_a_map_is_read_in_the_order_of_its_numbers() -> None:
    assert parse_map("0x2 10 slot1\n0x1 2 slot0\n0x3 0 slot2\n\n") == ("slot2", "slot0", "slot1")
    assert parse_map("\n") == ()
