"""`python -m tests.account`: the run, by the variables of `wishes.py`; or the removal of a former one."""

from __future__ import annotations

import argparse
import os
import sys

from botocore.exceptions import BotoCoreError, ClientError

from phoenix.errors import PhoenixError, RefusedError
from tests.account import limits, run, wishes
from tests.account.ground import account


def main() -> int:
    """The exit code: 0, 1 where the story failed or something is left, 3 where nothing was begun."""
    parser = argparse.ArgumentParser(prog="python -m tests.account", description=__doc__)
    parser.add_argument("--remove", metavar="RUN", help="remove what a former run has left, in PHOENIX_AWS_REGION")
    former: str | None = parser.parse_args().remove
    try:
        if former:
            return 1 if run.cleared(account(_region(), limits.ours(former)), tell) else 0
        return run.played(limits.new_run(), wishes.read(os.environ), tell)
    except PhoenixError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except (ClientError, BotoCoreError) as error:
        sys.stderr.write(f"the account cannot be asked; nothing was made\n{error}\nLog in, then say it again.\n")
        return 3


def tell(text: str) -> None:
    """A line at once: somebody watches what it costs."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _region() -> str:
    region = os.environ.get(wishes.REGION, "").strip()
    if not region:
        raise RefusedError(
            "nothing was removed", details=f"{wishes.REGION} is not set", resolution="Say where the run was."
        )
    return region


if __name__ == "__main__":
    sys.exit(main())
