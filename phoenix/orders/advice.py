"""What a person is to do about a run, in one sentence with the commands to type."""

from __future__ import annotations

from phoenix.execute.ownership import provably_dead
from phoenix.record.journal import Run, RunState


def what_next(run: Run, *, died: bool) -> str:
    """What to do now. `died`: see `has_died`."""
    match run.state:
        case RunState.HELD:
            return f"`phoenix promote {run.id}` goes on, `phoenix abort {run.id}` goes back"
        case RunState.STUCK:
            return (
                f"a human has to look: mend what the error names, then `phoenix abort {run.id}` tries the way back "
                f"again; `phoenix unlock {run.id} --why TEXT` leaves everything as it is"
            )
        case RunState.RUNNING | RunState.UNDOING | RunState.COMMITTED:
            return _under_way(run, died=died)
        case RunState.UNDONE:
            return "nothing is left of it: mend what the error names, then say the command again"
        case RunState.FAILED:
            return f"what it did stands; `phoenix stack plan {run.about.parts[-1]}` shows what is left"
        case RunState.ABANDONED:
            return "it was given up as it stood: `phoenix status` shows what it left"
        case RunState.DONE:
            return _done(run)


def _under_way(run: Run, *, died: bool) -> str:
    if not died and run.state is RunState.RUNNING:
        return f"wait for it, or `phoenix abort {run.id}` goes back"
    if not died:
        return "wait for it: it is ending"
    if run.state is RunState.RUNNING:
        return (
            f"its process has died: `phoenix resume {run.id}` goes on, `phoenix abort {run.id}` goes back; "
            "`phoenix tend` does what the service's `orphan` says"
        )
    return "its process has died: `phoenix tend` ends it"


def _done(run: Run) -> str:
    if run.kind not in ("roll", "rollback", "enable", "disable"):
        return "nothing"
    service, environment = run.about.parts[0], run.about.parts[-1]
    return f"nothing; `phoenix rollback {service} -e {environment}` goes back"


def has_died(run: Run) -> bool:
    """Whether the run needs a process and its own is certainly gone: one that is held or stuck waits for a person."""
    unattended = run.state.ended or run.state in (RunState.HELD, RunState.STUCK)
    return not unattended and provably_dead(run.owner)
