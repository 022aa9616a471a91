"""What a step came to, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def outcome_words(do: str, came: Mapping[str, Any]) -> str:
    """An outcome in words; one of a kind that is not known here as it stands in the journal."""
    match do, came:
        case "measure", {"group": group, "size": size, "healthy": healthy, "floor": floor}:
            return f"{group}: {healthy} of {size} healthy, {floor} have to stay so"
        case "create-group" | "ensure-size", {"size": size}:
            return f"size {size}"
        case "shrink", {"size": size, "ended": ended, "left": left}:
            cut = f", {left} requests cut" if left else ""
            return f"size {size}; ended {', '.join(ended)}{cut}"
        case "shrink", {"size": size}:
            return f"size {size} already"
        case "wait-healthy" | "soak", {"seen": seen}:
            return str(seen)
        case "set-traffic", {"shares": shares}:
            return _shares(shares) or "nobody gets traffic"
        case "set-traffic", {"left": left}:
            return f"left as somebody set it by hand: {_shares(left)}"
        case "drain", {"left": left}:
            return f"{left} requests cut" if left else "no request under way"
        case "keep-group", {"keep_until": until}:
            return f"kept until {until}" if until else "no longer to be burnt"
        case "save-logs", {"files": saved}:
            return f"{len(saved)} files" + (f"; {came['failed']}" if "failed" in came else "")
        case "delete-group", {"existed": existed}:
            return "deleted" if existed else "was gone already"
        case "hold", {"promoted_by": who}:
            return f"promoted by {who}" + (f": {came['why']}" if came.get("why") else "")
        case _:
            told = {name: value for name, value in came.items() if value not in (None, "", [], {})}
            return ", ".join(f"{name} {_plain(value)}" for name, value in told.items())


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {each}" for name, each in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _shares(shares: Mapping[str, int]) -> str:
    return ", ".join(f"{group} {share} %" for group, share in shares.items())
