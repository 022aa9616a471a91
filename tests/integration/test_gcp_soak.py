"""How often Google Cloud is asked while a roll only watches: six times a minute for a group, at most."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from phoenix.record.journal import RunState
from phoenix.spec.services import Canary
from tests.emulators.gcp import Emulator
from tests.emulators.gcp.calls import Call
from tests.support.rolls.gcp_stage import NEW, OLD, by_url_map

SOAK = 300.0


def test_a_soak_asks_at_most_six_times_a_minute_for_a_group(gcp: Emulator, tmp_path: Path) -> None:
    stage = replace(by_url_map(gcp, tmp_path), strategy=Canary(steps=(20, 100), soak=SOAK, hold=(), keep=0.0))
    stage.roll("1")
    gcp.forget_calls()
    assert stage.roll("2").state is RunState.DONE
    ours = [call for call in gcp.calls() if "phoenix" in call.user_agent]
    first = next(call.at for call in ours if call.method == "compute.urlMaps.update" and NEW in str(call.body))
    settled = [call for call in ours if first + 120 <= call.at < first + SOAK]
    minutes = {int(call.at - first) // 60 for call in settled}
    assert len(minutes) == 3
    for group in (OLD, NEW):
        asked = Counter(int(call.at - first) // 60 for call in settled if _of(call, group))
        assert max(asked.values(), default=0) <= 6, asked  # of the one that only serves nothing is asked
    everything = Counter(int(call.at - first) // 60 for call in settled)
    assert max(everything.values()) <= 12, everything


def _of(call: Call, group: str) -> bool:
    return call.subject.rpartition("/")[2] == group
