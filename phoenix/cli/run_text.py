"""A run as a person reads it at three in the morning: what it is, how it ended, what to do, then step by step."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from phoenix.cli.advice import what_next
from phoenix.cli.show import lasted, run_seconds, short
from phoenix.cli.timeline import StepLine, StepState, current, hold_of, steps_of
from phoenix.record.journal import Event, Part, Run, RunState, What

BAR = 16
"""Characters of the longest step's bar."""
TAILS, TAIL_LINES, TAIL_BYTES = 3, 8, 8192
"""Of how many log files the end is shown, how many lines of it, and how much is read for that."""
MARKS = {
    StepState.DONE: "ok",
    StepState.RUNNING: "...",
    StepState.HELD: "HELD",
    StepState.FAILED: "FAIL",
    StepState.OPEN: "-",
}
TITLES = {Part.STEPS: "steps", Part.BACK: "the way back", Part.CLEANUP: "afterwards"}


def run_text(run: Run, files: list[Path], now: datetime, *, died: bool) -> str:
    """The whole page."""
    lines = steps_of(run, now)
    parts = [_head(run, now, died=died), *(_section(part, lines, run) for part in Part)]
    parts += [_others(run), _errors(run), _tails(run, files)]
    if files:
        parts.append("\n".join(["files", *(f"  {file}" for file in files)]))
    return "\n\n".join(part for part in parts if part)


def _head(run: Run, now: datetime, *, died: bool) -> str:
    took = lasted(run_seconds(run, now))
    facts = {
        "plan": run.plan.get("why", ""),
        "who": f"{run.owner.who} on {run.owner.host}, process {run.owner.pid}{' (dead)' if died else ''}",
        "why": run.why or "not said",
        "when": f"{run.started} to {run.ended}, {took}" if run.ended else f"since {run.started}, {took} ago",
        "stands": _stands(run, now),
        "next": what_next(run, died=died),
    }
    title = f"{run.id}: {run.kind} of {short(run.subject)}: {run.state}"
    return "\n".join([title, *(f"  {name:<7} {text}" for name, text in facts.items() if text)])


def _stands(run: Run, now: datetime) -> str:
    """Where it stands or how it ended, in a sentence."""
    line = current(run, now)
    held = hold_of(run, line)
    if held and line is not None:
        return f"held since {line.began} ({lasted(line.seconds)}): {held}"
    if run.state in (RunState.UNDONE, RunState.STUCK, RunState.UNDOING) and run.errors:
        return _brief(run.errors[-1 if run.state is RunState.STUCK else 0])
    if not run.state.ended and line is not None:
        return f"at {line.id} since {line.began} ({lasted(line.seconds)})"
    if run.state is RunState.DONE and run.errors:
        return f"done; cleaning up was not: {run.errors[-1].data.get('brief')}"
    return ""


def _brief(error: Event) -> str:
    """The error in a line; with its details where those are a line, too."""
    details = str(error.data.get("details", ""))
    return str(error.data.get("brief", "")) + (f": {details}" if details and "\n" not in details else "")


def _section(part: Part, lines: tuple[StepLine, ...], run: Run) -> str:
    mine = [line for line in lines if line.part is part]
    begun = [line for line in mine if line.began]
    if not begun and (part is not Part.STEPS or not mine):
        return ""
    longest = max((line.seconds or 0 for line in lines if line.do != "hold"), default=0)
    width = max(len(line.id) for line in mine)
    shown = mine if part is not Part.STEPS or not run.state.ended else begun
    rows = [_row(line, width, longest) for line in shown]
    left = len(mine) - len(shown)
    return "\n".join([TITLES[part], *rows, *([f"  {left} more were not begun"] if left else [])])


def _row(line: StepLine, width: int, longest: int) -> str:
    began = line.began[11:19] if line.began else ""
    took = lasted(line.seconds) if line.seconds is not None else ""
    tries = f" (tried {line.tries} times)" if line.tries > 1 else ""
    row = f"  {MARKS[line.state]:<4} {began:<8} {took:>6}  {_bar(line, longest):<{BAR}}  {line.id:<{width}}  "
    return f"{row}{_words(line)}{tries}".rstrip()


def _bar(line: StepLine, longest: int) -> str:
    """As long as the step took, beside the longest one; a hold is a person's time and no measure."""
    if line.seconds is None or line.do == "hold":
        return ""
    return "#" * max(1, round(BAR * line.seconds / max(1, longest)))


def _words(line: StepLine) -> str:
    """What the step came to."""
    if line.error is not None:
        return line.error
    return " ".join(outcome_words(line.do, line.outcome or {}).split())


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


def _others(run: Run) -> str:
    """What came from elsewhere: take-overs, and what people asked."""
    said = [(event.at, str(event.data.get("text", ""))) for event in run.events if event.what is What.NOTE]
    said += [(r.at, f"{r.who} asked it to {r.what}" + (f": {r.why}" if r.why else "")) for r in run.requests]
    return "\n".join(["notes", *(f"  {at}  {text}" for at, text in sorted(said))]) if said else ""


def _errors(run: Run) -> str:
    return "\n\n".join(
        "\n".join(
            [
                f"error at {event.at}{f' ({TITLES[event.part]})' if event.part else ''}: {event.data.get('brief')}",
                *(f"  {line}" for line in str(event.data.get("details", "")).splitlines()),
            ]
        )
        for event in run.errors
    )


def _tails(run: Run, files: list[Path]) -> str:
    """The end of the newest logs of a run that went wrong, unless its error tells them already."""
    if not run.errors:
        return ""
    told = "\n".join(str(event.data.get("details", "")) for event in run.errors)
    with suppress(OSError):  # what cannot be read is at least named among the files
        logs = sorted((f for f in files if f.suffix == ".log"), key=lambda f: (f.stat().st_mtime, f.name))
        ends = [(file, _tail(file)) for file in reversed(logs[-TAILS:])]
        return "\n\n".join(_quoted(file, lines) for file, lines in ends if lines and lines[-1] not in told)
    return ""


def _quoted(file: Path, lines: list[str]) -> str:
    return "\n".join([f"the end of {file.name}", *(f"  {line}" for line in lines)])


def _tail(file: Path) -> list[str]:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - TAIL_BYTES))
        text = opened.read().decode(errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()][-TAIL_LINES:]


def files_of(directory: Path) -> list[Path]:
    """The run's files on this machine, sorted; none where another machine keeps them, or they cannot be read."""
    with suppress(OSError):
        return sorted(directory.iterdir())
    return []
