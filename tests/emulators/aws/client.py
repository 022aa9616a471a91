"""The emulator as tests use it: a process of its own, and what they ask of it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from tests.emulators.aws.calls import Call
from tests.emulators.aws.settings import Changes
from tests.emulators.aws.world import World

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0
"""REAL seconds for an answer; machines may be slow to end."""


class Emulator:
    """One emulated account, for as long as the `with` block.

    `machines` is the kind behind its instances: `told` (none), `instant`, or `package.module:Class`; `options` are
    given to it.
    """

    def __init__(self, *, machines: str = "told", options: Mapping[str, str] | None = None) -> None:
        self._machines = machines
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start its process, and wait until it answers."""
        options = [word for name, value in self._options.items() for word in ("--option", f"{name}={value}")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.emulators.aws", "--machines", self._machines, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the emulator did not start; it ended with {self._process.wait()}"
        self.port = int(line)

    def stop(self) -> None:
        """End its machines and its process; killed where it does not end."""
        if self._process is None:
            return
        try:
            self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._process = None

    @property
    def url(self) -> str:
        """Where all services answer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which the SDKs and Packer find it, and nothing else of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def reset(self) -> None:
        """An empty account, no machine, no fault, no call, the settings of the start."""
        self._ask("reset")

    def advance(self, seconds: float) -> float:
        """Let so many virtual seconds pass, with all that belongs in them; the time then, in seconds since 1970."""
        return float(self._ask("advance", seconds=seconds)["now"])

    def configure(self, **settings: Unpack[Changes]) -> None:
        """Change some of `Settings`; the others stay as they are."""
        self._ask("configure", **settings)

    def fail(
        self,
        service: str,
        action: str,
        *,
        code: str = "",
        status: int = 400,
        message: str = "",
        times: int = 1,
        skip: int = 0,
        delay: float = 0.0,
        lost: bool = False,
        empty: bool = False,
    ) -> None:
        """Have calls go wrong, see `Fault`: refused with `code`, late by `delay` REAL seconds, carried out without an
        answer (`lost`), or, where they describe something, answered as if it were not there yet (`empty`).
        """
        self._ask(
            "fail",
            service=service,
            action=action,
            code=code,
            status=status,
            message=message,
            times=times,
            skip=skip,
            delay=delay,
            lost=lost,
            empty=empty,
        )

    def clear_faults(self) -> None:
        """No more faults."""
        self._ask("clear-faults")

    def calls(self) -> tuple[Call, ...]:
        """All calls since the start, the reset or `forget_calls`, those that failed too."""
        return tuple(Call.read(entry) for entry in self._ask("calls")["calls"])

    def forget_calls(self) -> None:
        """Count from here."""
        self._ask("forget-calls")

    def sick(self, subject: str, *, status: int | None = 503, error: str = "") -> None:
        """From now on the health checks of an instance, of all of an AMI or of a group get this answer.

        No status: no answer; `error` is then `timed out` or other words.
        """
        self._ask("tell", subject=subject, status=status, error=error)

    def well(self, subject: str) -> None:
        """Take back what `sick` said of it."""
        self._ask("tell", subject=subject, well=True)

    def console(self, subject: str, text: str) -> None:
        """What GetConsoleOutput gives for an instance, for all of an AMI, or of a group."""
        self._ask("console", subject=subject, text=text)

    def kill(self, instance: str) -> None:
        """Its machine is off as by a power cut; AWS still believes it running."""
        self._ask("kill", instance=instance)

    def autoscale(self, group: str, desired: int, *, process: str = "AlarmNotification") -> int:
        """What an alarm (or `ScheduledActions`) does to a group, where that is not suspended; its desired capacity."""
        return int(self._ask("autoscale", group=group, desired=desired, process=process)["desired"])

    def serve(self, listener: str) -> str:
        """Let a listener take requests until the reset; its address, `127.0.0.1:PORT`. Machines must be real."""
        return str(self._ask("serve", listener=listener)["address"])

    def world(self, project: str = "test") -> World:
        """A small account to begin with, made once; its AMI is `project`'s."""
        return World.read(self._ask("world", project=project))

    def _ask(self, verb: str, **asked: Any) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", f"/emulator/{verb}", json.dumps(asked))
            answer = connection.getresponse()
            said: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, said.get("error")
        return said
