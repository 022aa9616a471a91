"""A run as a person reads it at three in the morning: what it is, how it ended, what to do, then step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from phoenix.cli.text.logs import ends_of
from phoenix.cli.text.origin import build_of, commit_of, with_origins
from phoenix.cli.text.outcomes import outcome_words
from phoenix.cli.text.table import table
from phoenix.cli.text.times import beside, lasted, short
from phoenix.orders.history import EventFacts, StepFacts, WholeRun

BAR = 16
"""Characters of the longest step's bar."""
MARKS = {"done": "ok", "running": "...", "held": "HELD", "failed": "FAIL", "open": "-"}
TITLES = {"steps": "steps", "back": "the way back", "cleanup": "afterwards"}
ENDED = ("done", "undone", "abandoned")


def run_rows(runs: Sequence[Mapping[str, Any]]) -> str:
    """A line per run, of runs as JSON data; empty where there are none."""
    rows = [
        (r["id"], short(r["subject"]), r["state"], r["started"], lasted(r["lasted"]), r["who"], r["why"]) for r in runs
    ]
    heads = ("run", "subject", "state", "started", "took", "who", "why")
    heads_too, rows_too = with_origins(heads, rows, [r["origin"] for r in runs])
    return str(table(*heads_too, rows=rows_too)) if rows else ""


def run_text(run: WholeRun) -> str:
    """The whole page."""
    parts = [_head(run), *(_section(part, run) for part in TITLES)]
    parts += [_others(run), _errors(run), _ends(run)]
    if run.files:
        parts.append("\n".join(["files", *(f"  {file}" for file in run.files)]))
    return "\n\n".join(part for part in parts if part)


def _head(run: WholeRun) -> str:
    took, origin = lasted(run.lasted), asdict(run.origin)
    facts = {
        "plan": run.plan.get("why", ""),
        "who": f"{run.who} on {run.host}, process {run.pid}{' (dead)' if run.died else ''}",
        "why": run.why or "not said",
        "build": build_of(origin),
        "commit": commit_of(origin),
        "when": f"{run.started} to {run.ended}, {took}" if run.ended else f"since {run.started}, {took} ago",
        "stands": _stands(run),
        "next": run.next,
    }
    title = f"{run.id}: {run.kind} of {short(run.subject)}: {run.state}"
    return "\n".join([title, *(f"  {name:<7} {text}" for name, text in facts.items() if text)])


def _stands(run: WholeRun) -> str:
    """Where it stands or how it ended, in a sentence."""
    line, errors = run.at, _failures(run)
    if run.held and line is not None:
        return f"held since {line.began} ({lasted(line.seconds)}): {run.held}"
    if run.state in ("undone", "stuck", "undoing") and errors:
        return _brief(errors[-1 if run.state == "stuck" else 0])
    if run.state not in ENDED and line is not None:
        return f"at {line.id} since {line.began} ({beside(line.seconds, line.last_time)})"
    if run.state == "done" and errors:
        return f"done; cleaning up was not: {errors[-1].data.get('brief')}"
    return ""


def _failures(run: WholeRun) -> tuple[EventFacts, ...]:
    return tuple(event for event in run.events if event.what == "error")


def _brief(error: EventFacts) -> str:
    """The error in a line; with its details where those are a line, too."""
    details = str(error.data.get("details", ""))
    return str(error.data.get("brief", "")) + (f": {details}" if details and "\n" not in details else "")


def _section(part: str, run: WholeRun) -> str:
    mine = [line for line in run.steps if line.part == part]
    begun = [line for line in mine if line.began]
    if not begun and (part != "steps" or not mine):
        return ""
    longest = max((line.seconds or 0 for line in run.steps if line.action != "hold"), default=0)
    width = max(len(line.id) for line in mine)
    shown = mine if part != "steps" or run.state not in ENDED else begun
    rows = [_row(line, width, longest) for line in shown]
    left = len(mine) - len(shown)
    return "\n".join([TITLES[part], *rows, *([f"  {left} more were not begun"] if left else [])])


def _row(line: StepFacts, width: int, longest: int) -> str:
    began = line.began[11:19] if line.began else ""
    took = lasted(line.seconds) if line.seconds is not None else ""
    tries = f" (tried {line.tries} times)" if line.tries > 1 else ""
    row = f"  {MARKS[line.state]:<4} {began:<8} {took:>6}  {_bar(line, longest):<{BAR}}  {line.id:<{width}}  "
    return f"{row}{_words(line)}{tries}".rstrip()


def _bar(line: StepFacts, longest: int) -> str:
    """As long as the step took, beside the longest one; a hold is a person's time and no measure."""
    if line.seconds is None or line.action == "hold":
        return ""
    return "#" * max(1, round(BAR * line.seconds / max(1, longest)))


def _words(line: StepFacts) -> str:
    """What the step came to."""
    if line.error is not None:
        return line.error
    return " ".join(outcome_words(line.action, line.outcome or {}).split())


def _others(run: WholeRun) -> str:
    """What came from elsewhere: take-overs, and what people asked."""
    said = [(event.at, str(event.data.get("text", ""))) for event in run.events if event.what == "note"]
    said += [(r.at, f"{r.who} asked it to {r.what}" + (f": {r.why}" if r.why else "")) for r in run.requests]
    return "\n".join(["notes", *(f"  {at}  {text}" for at, text in sorted(said))]) if said else ""


def _errors(run: WholeRun) -> str:
    return "\n\n".join(
        "\n".join(
            [
                f"error at {event.at}{f' ({TITLES[event.part]})' if event.part else ''}: {event.data.get('brief')}",
                *(f"  {line}" for line in str(event.data.get("details", "")).splitlines()),
            ]
        )
        for event in _failures(run)
    )


def _ends(run: WholeRun) -> str:
    """The end of its newest logs, of a run that went wrong, unless its error tells them already."""
    told = "\n".join(str(event.data.get("details", "")) for event in _failures(run))
    return ends_of([Path(file) for file in run.files], told) if _failures(run) else ""
