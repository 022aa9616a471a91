"""`python -m tests.emulators.aws`: the emulator as a process. It writes its port, and ends with its standard input."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # 1,291 AMIs take a second and 150 MB


def main() -> None:
    """Serve until whoever started it closes its standard input, however that ends."""
    from tests.emulators.aws.account import Account
    from tests.emulators.aws.elbv2.checks import prober
    from tests.emulators.aws.emulated import Emulated
    from tests.emulators.aws.machines import kind
    from tests.emulators.aws.server import Application, server

    arguments = _arguments()
    emulated = Emulated(machines=kind(arguments.machines)(**dict(pair.split("=", 1) for pair in arguments.option)))
    account = Account(emulated)
    account.install()
    application = Application(account)
    listening = server(application, arguments.port)
    if emulated.machines.real:
        prober(account, application.lock).start()
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    sys.stdout.write(f"{listening.server_port}\n")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, lambda *_seen: sys.exit())
    try:
        sys.stdin.read()
    finally:
        with application.lock:
            emulated.machines.close()
    os._exit(0)  # taking moto's records apart one by one would take seconds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.aws", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of loopback; 0: one that is free")
    parser.add_argument("--machines", default="told", help="told, instant, or package.module:Class")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="for the machines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
