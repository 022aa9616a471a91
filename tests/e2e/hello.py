"""The hello app of a project made by `phoenix init`, in the versions that a test needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.shell import Shell

CRASHES = "console.error('refusing to start: this version is broken');\nprocess.exit(1);\n"
MUTE = "setInterval(() => {}, 1000);\n"
"""Runs, and never answers."""


class Hello:
    """Builds, publishes and rolls the app; each version once."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._published: set[str] = set()

    def publish(self, version: str) -> None:
        if version not in self._published:
            self._publish(self.shell.directory / "hello", version)

    def publish_broken(self, version: str, *, crash: bool = True) -> None:
        """A version that crashes at its start, or never answers."""
        source = self.shell.directory / f"hello-{version}"
        shutil.copytree(self.shell.directory / "hello", source)
        (source / "server.js").write_text(CRASHES if crash else MUTE)
        self._publish(source, version)

    def serve(self, version: str) -> None:
        self.publish(version)
        self.shell.run("roll", "web-tier", "--package", f"hello={version}")

    def _publish(self, source: Path, version: str) -> None:
        subprocess.run(["make", "-C", str(source), "deb", f"VERSION={version}"], check=True, capture_output=True)
        self.shell.run("publish", str(source / f"hello_{version}_all.deb"))
        self._published.add(version)
