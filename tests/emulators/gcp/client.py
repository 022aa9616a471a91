"""The emulator as tests use it: a process of its own, and what they ask of it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from tests.emulators.gcp.calls import Call
from tests.emulators.gcp.settings import Changes
from tests.emulators.gcp.world import PROJECT, World

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0
"""REAL seconds for an answer; machines may be slow to end."""
LOOPBACK = "localhost,127.0.0.1,127.0.0.0/8"


class Emulator:
    """One emulated Compute Engine, for as long as the `with` block.

    `machines` is the kind behind its instances: `none`, `instant`, `light`, or `package.module:Class`; `options` are
    given to it.
    """

    def __init__(self, *, machines: str = "none", options: Mapping[str, str] | None = None) -> None:
        self._machines = machines
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
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
        self._directory = tempfile.TemporaryDirectory(prefix="gcp-emulator-")
        options = [word for name, value in self._options.items() for word in ("--option", f"{name}={value}")]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.emulators.gcp",
                "--directory",
                self._directory.name,
                "--machines",
                self._machines,
                *options,
            ],
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
        if self._process is not None:
            try:
                self._process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
            self._process = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    @property
    def directory(self) -> Path:
        """Where its authority and the account's key are."""
        assert self._directory is not None
        return Path(self._directory.name)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which the SDK and Packer find it: they ask for Google's own names, through a proxy."""
        authority, proxy = str(self.directory / "ca.pem"), f"http://127.0.0.1:{self.port}"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
            "REQUESTS_CA_BUNDLE": authority,
            "SSL_CERT_FILE": authority,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.directory / "key.json"),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "CLOUDSDK_CONFIG": str(self.directory / "gcloud"),
            "NO_GCE_CHECK": "true",
        }

    def reset(self) -> None:
        """An empty project, no machine, no fault, no call, the settings of the start."""
        self._ask("reset")

    def advance(self, seconds: float) -> float:
        """Let so many virtual seconds pass, with all that belongs in them; the time then, in seconds since 1970."""
        return float(self._ask("advance", seconds=seconds)["now"])

    def configure(self, **settings: Unpack[Changes]) -> None:
        """Change some of `Settings`; the others stay as they are."""
        self._ask("configure", **settings)

    def fail(
        self,
        method: str,
        *,
        reason: str = "",
        status: int = 503,
        message: str = "",
        code: str = "",
        times: int = 1,
        skip: int = 0,
        delay: float = 0.0,
        lost: bool = False,
    ) -> None:
        """Have calls of a method (`instances.insert`, a regular expression) go wrong, see `Fault`: refused with
        `reason` and `status`, accepted with an operation that ends with `code`, late by `delay` REAL seconds, or
        carried out without an answer (`lost`). `group.create` is what a managed group does by itself.
        """
        self._ask(
            "fail",
            method=method,
            reason=reason,
            status=status,
            message=message,
            code=code,
            times=times,
            skip=skip,
            delay=delay,
            lost=lost,
        )

    def lose_answer(self, method: str, *, times: int = 1, skip: int = 0) -> None:
        """The next call of a method is carried out, and its connection cut."""
        self.fail(method, lost=True, times=times, skip=skip)

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
        """From now on health checks of an instance, of all of an image or of a group (by name) get this answer.

        No status: no answer; `error` is then `timed out` or other words.
        """
        self._ask("tell", subject=subject, status=status, error=error)

    def well(self, subject: str) -> None:
        """Take back what `sick` said of it."""
        self._ask("tell", subject=subject, well=True)

    def console(self, subject: str, text: str) -> None:
        """What getSerialPortOutput gives for an instance, for all of an image, or of a group."""
        self._ask("console", subject=subject, text=text)

    def kill(self, subject: str) -> tuple[str, ...]:
        """Machines are off, of an instance, an image or a group; Google still believes that they run."""
        return tuple(self._ask("kill", subject=subject)["killed"])

    def load(self, group: str, wanted: int) -> int:
        """From now on the load of a group calls for so many instances; its target size, by its autoscaler, if any."""
        return int(self._ask("load", group=group, wanted=wanted)["size"])

    def secret(self, name: str, text: str) -> None:
        """A secret of Secret Manager."""
        self._ask("secret", name=name, text=text)

    def seed(self, key: str, **fields: Any) -> dict[str, Any]:
        """A thing that is there without any call, by its path from `projects` on; what the API shows of it."""
        return self._ask("seed", key=key, fields=fields)

    def keys(self, noun: str) -> tuple[str, ...]:
        """The paths of all things of a kind, such as `instances`, sorted."""
        return tuple(self._ask("rows", noun=noun)["keys"])

    def serve(self, rule: str) -> str:
        """Let a forwarding rule, by its path, take requests until the reset; its address, `127.0.0.1:PORT`.

        Machines must be real, and it must lead to a URL map.
        """
        return str(self._ask("serve", rule=rule)["address"])

    def world(self, labels: Mapping[str, str] | None = None) -> World:
        """A small project to begin with, made once; `labels` are those of its image."""
        return World.read(self._ask("world", labels=dict(labels or {})))

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
