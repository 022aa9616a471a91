"""`python -m tests.emulators.gcp`: the emulator as a process. It writes its port, and ends with its standard input."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from tests.emulators.gcp.balancing.health import Watch
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.machines import kind
from tests.emulators.gcp.service import Service
from tests.emulators.gcp.wire.accounts import Accounts
from tests.emulators.gcp.wire.application import Application
from tests.emulators.gcp.wire.authority import make
from tests.emulators.gcp.wire.server import Server
from tests.emulators.machines.prober import Answers, Prober, Question


def main() -> None:
    """Serve until whoever started it closes its standard input, however that ends."""
    arguments = _arguments()
    options = dict(pair.split("=", 1) for pair in arguments.option)
    emulated = Emulated(machines=kind(arguments.machines)(**options))
    service = Service(emulated)
    application = Application(service, Accounts(arguments.directory))
    server = Server(application, make(arguments.directory), arguments.port)
    if emulated.machines.real:
        _prober(service, application).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, lambda *_seen: sys.exit())
    try:
        sys.stdin.read()
    finally:
        with application.lock:
            emulated.machines.close()
    os._exit(0)


def _prober(service: Service, application: Application) -> Prober[Watch]:
    def due() -> list[Question[Watch]]:
        service.look()
        return service.watching.due()

    def heard(answers: Answers[Watch]) -> None:
        service.watching.heard(answers)
        service.look()

    emulated = service.emulated
    return Prober(emulated.machines, application.lock, due=due, heard=heard, pause=lambda: emulated.settings.probe)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.gcp", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where authority and key are written")
    parser.add_argument("--port", type=int, default=0, help="of loopback; 0: one that is free")
    parser.add_argument("--machines", default="none", help="none, or package.module:Class")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="for the machines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
