"""The hello app of a project made by `phoenix init`, in the versions that a test needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.real.shell import Shell

CRASHES = "console.error('refusing to start: this version is broken');\nprocess.exit(1);\n"
MUTE = "setInterval(() => {}, 1000);\n"
"""Runs, and never answers."""
STEERED = {
    "let stopping = false;\n": """let stopping = false;
if (process.env.BREAK_ON && os.hostname().endsWith(process.env.BREAK_ON)) {
  console.error(`refusing to start on ${os.hostname()}`);
  process.exit(1);
}
""",
    "const { pathname } =": "const { pathname, searchParams } =",
    "  } else {\n    response.statusCode = 404;": """  } else if (pathname === "/slow") {
    const text = `${greeting} from hello ${version} on ${os.hostname()}\\n`;
    setTimeout(() => response.end(text), 1000 * Number(searchParams.get("seconds")));
  } else {
    response.statusCode = 404;""",
}
"""What is replaced in the app by what, so that a test can steer it."""


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
        self.shell.run("publish", str(deb_of(source, version)))
        self._published.add(version)


def deb_of(source: Path, version: str) -> Path:
    """The app in `source` as a package of that version."""
    subprocess.run(["make", "-C", str(source), "deb", f"VERSION={version}"], check=True, capture_output=True)
    return source / f"hello_{version}_all.deb"


def steer(source: Path) -> None:
    """Give the app in `source` two more abilities: `/slow?seconds=N`, and not to start on hosts of BREAK_ON."""
    file = source / "server.js"
    text = file.read_text()
    for there, instead in STEERED.items():
        assert text.count(there) == 1, there
        text = text.replace(there, instead)
    file.write_text(text)
