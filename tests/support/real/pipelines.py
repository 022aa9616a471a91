"""Jenkins' pipelines, run by JenkinsPipelineUnit in a JVM: what they call, with shell lines that are run or told."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

HERE = Path(__file__).resolve().parents[2] / "jenkins"
CLASSPATHS = Path(__file__).resolve().parents[3] / ".cache" / "tests" / "jenkins"
OPENED = ("java.lang", "java.util", "java.util.stream", "java.util.function", "java.io")
"""Packages of Java that Groovy 2.4 looks into; since 17 that has to be allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """A pipeline to run. `answers`: the exit code, and the result, of lines that contain a text; the others end well.

    `directory`: where its lines are run for real instead. `people`: what is said at each input: Promote or Abort.
    `failing`: steps of Jenkins' own that fail.
    """

    name: str
    file: str
    declarative: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    answers: Sequence[tuple[str, int] | tuple[str, int, str]] = ()
    people: Sequence[str] = ()
    directory: str = ""
    failing: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """What became of it. `calls`: what was called, with what; of a shell line also how it ended and what it said."""

    status: str
    message: str
    calls: tuple[Mapping[str, Any], ...]

    @property
    def lines(self) -> list[str]:
        """The shell lines, in their order."""
        return [call["about"]["script"] for call in self.calls if call["step"] == "sh"]

    @property
    def codes(self) -> list[int]:
        """How they ended."""
        return [call["code"] for call in self.calls if call["step"] == "sh"]

    def named(self, step: str) -> list[Any]:
        """What a step was called with, each time."""
        return [call["about"] for call in self.calls if call["step"] == step]


def run(library: Path, roots: Sequence[Path], *plays: Play, parsed: Sequence[str] = ()) -> dict[str, Played]:
    """Run pipelines that lie in `roots` with the shared library. `parsed`: texts that have to be Groovy."""
    asked = {
        "parsed": list(parsed),
        "shared": str(library),
        "roots": [str(root) for root in roots],
        "plays": [
            {
                "name": play.name,
                "file": play.file,
                "declarative": play.declarative,
                "env": dict(play.env),
                "answers": [list(answer) for answer in play.answers],
                "people": list(play.people),
                "directory": play.directory,
                "failing": list(play.failing),
            }
            for play in plays
        ],
    }
    opened = [word for package in OPENED for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
    argv = ["java", "-XX:TieredStopAtLevel=1", *opened, "-cp", classpath(), "groovy.ui.GroovyMain", "Pipelines.groovy"]
    done = subprocess.run(
        argv, cwd=HERE, input=json.dumps(asked), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return {
        name: Played(status=each["status"], message=each["message"], calls=tuple(each["calls"]))
        for name, each in told.items()
    }


def classpath() -> str:
    """The jars of the pom, which Maven fetches once for each text of it."""
    text = (HERE / "pom.xml").read_bytes()
    known = CLASSPATHS / hashlib.sha256(text).hexdigest()
    CLASSPATHS.mkdir(parents=True, exist_ok=True)
    with FileLock(CLASSPATHS / "lock"):
        if not known.exists() or not all(Path(jar).exists() for jar in known.read_text().split(":")):
            fresh = CLASSPATHS / "fresh"
            goal = ["dependency:build-classpath", f"-Dmdep.outputFile={fresh}"]
            assert shutil.which("mvn"), "Debian's package maven; `make setup` installs it"
            argv = ["mvn", "--quiet", "--batch-mode", "--file", str(HERE / "pom.xml"), *goal]
            subprocess.run(argv, check=True, timeout=600, capture_output=True)
            fresh.replace(known)
    return known.read_text()
