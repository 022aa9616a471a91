"""aptly is there when it takes requests, and not when its socket has a name."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.tools import aptly, process
from phoenix.tools.aptly_root import Root
from phoenix.tools.process import Command

SLEEP = Command(argv=("sleep", "60"))


def test_a_socket_that_nobody_listens_at_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as bound, process.running(SLEEP, log=tmp_path / "log") as program:
        bound.bind(str(path))
        listens = threading.Timer(0.3, bound.listen)
        listens.start()
        aptly._wait_until_open(program, path, Root(path=tmp_path), SystemClock())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        listens.join()
