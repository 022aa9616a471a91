"""This computer as a machine might find it: things to reach on it, and a picture of what no machine may change."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from phoenix.tools.process import Command, run

ADD_KEY = {"x86_64": 248, "aarch64": 217}
USER_KEYRING = -4
SETTINGS = ("vm/swappiness", "kernel/core_pattern", "kernel/hostname", "net/ipv4/ip_forward")


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"the computer's own service\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def service() -> Iterator[int]:
    """A service on the loopback interface; gives its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def traces() -> Iterator[None]:
    """A key in the keyring of root, and a socket without a file: what a machine should not find."""
    libc = ctypes.CDLL(None)
    name = b"phoenix-of-the-computer"
    libc.syscall(ADD_KEY[os.uname().machine], b"user", name, b"x", 1, ctypes.c_int(USER_KEYRING))
    with ExitStack() as held:
        listener = held.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind("\0phoenix-of-the-computer")
        listener.listen()
        yield


def picture() -> dict[str, str]:
    """What no bake and no machine may change."""
    seen = {name: Path("/proc/sys", name).read_text() for name in SETTINGS}
    for words in ("-o address show lo", "route show", "-o link show"):
        seen[words] = run(Command(argv=("ip", *words.split())), timeout=30).stdout
    seen["swaps"] = Path("/proc/swaps").read_text()
    seen["hosts"] = Path("/etc/hosts").read_text()
    return seen
