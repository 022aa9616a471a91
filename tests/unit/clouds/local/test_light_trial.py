"""What a failed trial of a light machine says: no, or nothing."""

from __future__ import annotations

import errno
import os

import pytest

from phoenix.clouds.local.machines import light_trial
from phoenix.errors import CloudError, PhoenixError, RefusedError, ToolError
from phoenix.wait import DeadlineError, HopelessError


def from_kernel(number: int) -> CloudError:
    error = CloudError("this computer cannot give a light machine its namespaces")
    error.__cause__ = OSError(number, os.strerror(number))
    return error


@pytest.mark.parametrize(
    "raised",
    [
        DeadlineError("the trial of a light machine did not succeed in time", details="nothing said"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EACCES, "Permission denied"),
        from_kernel(errno.ENOSPC),
        from_kernel(errno.ENOMEM),
    ],
)
def test_what_may_pass_is_no_answer(raised: OSError | PhoenixError) -> None:
    engine = light_trial.failed("light", raised)
    assert (engine.works, engine.certain, engine.unknown) == (False, False, True)


@pytest.mark.parametrize(
    "raised",
    [
        from_kernel(errno.EINVAL),
        from_kernel(errno.ENOSYS),
        ToolError("a light machine could not be made"),
        HopelessError("the trial of a light machine can no longer succeed"),
    ],
)
def test_what_the_kernel_cannot_do_is_a_no_and_names_the_kernel(raised: PhoenixError) -> None:
    engine = light_trial.failed("light", raised)
    assert (engine.works, engine.certain, engine.unknown) == (False, True, False)
    assert "5.19" in engine.detail


def test_a_missing_program_is_looked_for_again() -> None:
    engine = light_trial.failed("light", RefusedError("the program 'runc' is missing"))
    assert (engine.works, engine.certain, engine.unknown) == (False, False, False)
