"""`python -m tests.account.gcp`: the run, by the variables of `wishes.py`; or the removal of a former one."""

from __future__ import annotations

import argparse
import os
import sys

from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from phoenix.errors import PhoenixError
from tests.account import limits
from tests.account.gcp import run, wishes
from tests.account.gcp.ground import account


def main() -> int:
    """The exit code: 0, 1 where the story failed or something is left, 3 where nothing was begun."""
    parser = argparse.ArgumentParser(prog="python -m tests.account.gcp", description=__doc__)
    parser.add_argument("--remove", metavar="RUN", help="remove what a former run has left, in PHOENIX_GCP_PROJECT")
    former: str | None = parser.parse_args().remove
    try:
        if former:
            return 1 if run.cleared(account(limits.ours(former), *wishes.place(os.environ)), tell) else 0
        return run.played(limits.new_run(), wishes.read(os.environ), tell)
    except PhoenixError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except (GoogleAuthError, RequestException) as error:
        sys.stderr.write(f"the project cannot be asked; nothing was made\n{error}\nLog in, then say it again.\n")
        return 3


def tell(text: str) -> None:
    """A line at once: somebody watches what it costs."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
