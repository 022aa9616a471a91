"""Durations, sizes and shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix import units


@given(st.integers(min_value=0, max_value=10**8))
def test_a_duration_survives_being_written(seconds: int) -> None:
    assert units.duration(units.write_duration(seconds)) == seconds


@given(st.integers(min_value=0, max_value=10**8))
def test_a_size_survives_being_written(kibibytes: int) -> None:
    assert units.size(units.write_size(kibibytes * 1024)) == kibibytes * 1024


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604800), ("0s", 0), ("007s", 7)]
)
def test_durations(text: str, seconds: int) -> None:
    assert units.duration(text) == seconds


@pytest.mark.parametrize(("text", "count"), [("1K", 1024), ("512M", 512 * 1024**2), ("4G", 4 * 1024**3)])
def test_sizes(text: str, count: int) -> None:
    assert units.size(text) == count


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "5M", "-5m", "1.5h", "5m\n", "٥m", "1h30m", "99999999999d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; accepted: a number with s, m, h or d"):
        units.duration(text)


@pytest.mark.parametrize("text", ["", "5", "5m", "5MB", "5 G", "1.5G", "٥G"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size; accepted: a number with K, M, G or T"):
        units.size(text)


@given(st.integers(min_value=0, max_value=100))
def test_shares(percent: int) -> None:
    assert units.share(f"{percent}%") == percent


@pytest.mark.parametrize("text", ["", "25", "101%", "-1%", "2.5%", "٥%"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="is no share; accepted: 0% to 100%"):
        units.share(text)


@pytest.mark.parametrize("seconds", [-1, 0.5])
def test_only_whole_seconds_can_be_written(seconds: float) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        units.write_duration(seconds)


@pytest.mark.parametrize("count", [-1024, 1000])
def test_only_whole_kibibytes_can_be_written(count: int) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        units.write_size(count)
