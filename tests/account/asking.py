"""Clients of a real balancer: `python -m tests.account.asking URL`, one request after the other, five a second at most.

The load generator of phoenix speaks to this computer only, for good reason. Ended by SIGTERM it writes what came of its
requests as one line of JSON. A connection that was idle while the balancer closed it is opened again, as clients do
(RFC 9112, 9.3.1: a GET may be sent again); whatever else is not an answer of 2xx has failed.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.real.story import Asked

PAUSE = 0.2
TIMEOUT = 10.0
"""REAL seconds."""
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def asking(url: str) -> Iterator[Callable[[], Asked]]:
    """Ask steadily while this holds; what is given ends that, and tells what came of it."""
    argv = [sys.executable, "-m", "tests.account.asking", url]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.PIPE, cwd=ROOT, text=True) as child:

        def finish() -> Asked:
            child.send_signal(signal.SIGTERM)
            out, _nothing = child.communicate(timeout=TIMEOUT + 20)
            told = json.loads(out)
            return Asked(sent=told["sent"], answered=told["answered"], failures=tuple(told["failures"]))

        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "begun\n", "the clients did not begin"
            yield finish
        finally:
            if child.poll() is None:
                child.kill()


def ask(url: str, connection: http.client.HTTPConnection) -> str:
    """Why one request failed; nothing where it did not."""
    for again in (True, False):
        kept = connection.sock is not None
        try:
            connection.request("GET", urlsplit(url).path or "/", headers={"User-Agent": "phoenix-test"})
            answer = connection.getresponse()
            answer.read()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            connection.close()
            if not (again and kept):
                return repr(error)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return repr(error)
        else:
            return "" if 200 <= answer.status < 300 else f"status {answer.status}"
    return ""


def _main(url: str) -> None:
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_signal: going.clear())
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    sent, failures = 0, list[str]()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while going:
        sent += 1
        if why := ask(url, connection):
            failures.append(f"{time.strftime('%H:%M:%S')} {why}")
        time.sleep(PAUSE)
    connection.close()
    told = {"sent": sent, "answered": sent - len(failures), "failures": failures}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
