"""docs/from-source.md is true: its files, as they stand there, make packages that are the same each time and work."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from phoenix.cli.app import run

PAGE = (Path(__file__).parents[2] / "docs" / "from-source.md").read_text()


def block(after: str, page: str = PAGE) -> str:
    """The indented block that follows the line `after`, as a file."""
    text = page.partition(f"{after}\n\n")[2]
    lines = re.match(r"(    .*\n|\n)+", text)
    assert lines is not None, after
    return re.sub("^    ", "", lines[0], flags=re.MULTILINE).strip() + "\n"


def section(name: str) -> str:
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.fixture
def greeter(tmp_path: Path) -> Path:
    """A directory with `package.mk` and `package/`, as the page has them made beside the project `shop`."""
    assert run(["init", str(tmp_path / "shop")]) == 0
    place = tmp_path / "greeter"
    place.mkdir()
    (place / "package.mk").write_text(block("`package.mk`:"))
    script = block("`package/` is the one of `hello/`, with another name and user:")
    subprocess.run(["sh", "-eux", "-c", script], cwd=place, check=True)
    return place


def tell(place: Path, name: str) -> None:
    """Change the unit and the control file as the section says, and take its Makefile."""
    text = section(name)
    for file, word in (("greeter.service", "ExecStart"), ("control", "Depends")):
        (line,) = re.findall(rf"^    ({word}.*)$", text, re.MULTILINE)
        path = place / "package" / file
        path.write_text(re.sub(rf"^{word}.*$", line, path.read_text(), flags=re.MULTILINE))
    (place / "Makefile").write_text(block("`Makefile`:", text))


def make(place: Path, *, umask: int = 0o022, path: str | None = None) -> Path:
    environment = {"HOME": str(place.parent), "PATH": path or "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    argv = ["make", "deb", "VERSION=1.2.3"]
    subprocess.run(argv, cwd=place, check=True, env=environment, umask=umask, timeout=300)
    return place / "greeter_1.2.3_all.deb"


def digests(place: Path, path: str | None = None) -> set[str]:
    """The digests of builds under different circumstances."""
    return {
        hashlib.sha256(make(place, umask=umask, path=path).read_bytes()).hexdigest() for umask in (0o022, 0o077, 0o002)
    }


def contents(file: Path, into: Path) -> Path:
    subprocess.run(["dpkg-deb", "-x", str(file), str(into)], check=True)
    return into


POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.acme</groupId>
  <artifactId>greeter</artifactId>
  <version>${revision}</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <build>
    <finalName>greeter</finalName>
    <plugins>
      <plugin>
        JAR
        <configuration><archive><manifest><mainClass>com.acme.Greeter</mainClass></manifest></archive></configuration>
      </plugin>
    </plugins>
  </build>
</project>
"""
GREETER = """\
package com.acme;

public class Greeter {
    public static void main(String[] words) {
        System.out.println("good day, " + words[0]);
    }
}
"""


@pytest.mark.full
def test_what_maven_builds_becomes_a_package(greeter: Path, tmp_path: Path) -> None:
    """The real Maven with the plugin that the page names; what it lacks it fetches."""
    tell(greeter, "Maven")
    version, name, plugin = re.findall(r"`(<[^`]+>)`", section("Maven"))[:3]
    assert version in POM
    assert name in POM
    (greeter / "pom.xml").write_text(POM.replace("JAR", plugin))
    source = greeter / "src/main/java/com/acme/Greeter.java"
    source.parent.mkdir(parents=True)
    source.write_text(GREETER)
    assert len(digests(greeter)) == 1
    tree = contents(greeter / "greeter_1.2.3_all.deb", tmp_path / "tree")
    java = ["java", "-jar", str(tree / "usr/share/greeter/greeter.jar"), "Terry"]
    assert subprocess.run(java, check=True, capture_output=True, text=True).stdout == "good day, Terry\n"


def test_a_jar_becomes_a_package(greeter: Path, tmp_path: Path) -> None:
    """The jar itself is one that Maven made before: a build of it takes a minute."""
    tell(greeter, "Maven")
    with zipfile.ZipFile(tmp_path / "made.jar", "w") as jar:
        jar.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF", (2024, 1, 1, 0, 0, 0)), "Main-Class: com.acme.Greeter\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    build = f'echo "$@" > {tmp_path}/said; mkdir -p target; cp {tmp_path}/made.jar target/greeter.jar'
    (programs / "mvn").write_text(f"#!/bin/sh\n{build}\n")
    (programs / "mvn").chmod(0o755)
    assert len(digests(greeter, f"{programs}:/usr/bin:/bin")) == 1
    said = (tmp_path / "said").read_text()
    assert "-Drevision=1.2.3" in said
    assert "-Dproject.build.outputTimestamp=1704067200" in said
    tree = contents(greeter / "greeter_1.2.3_all.deb", tmp_path / "tree")
    assert (tree / "usr/share/greeter/greeter.jar").read_bytes() == (tmp_path / "made.jar").read_bytes()
    unit = (tree / "usr/lib/systemd/system/greeter.service").read_text()
    assert "ExecStart=/usr/bin/java -jar /usr/share/greeter/greeter.jar" in unit
    assert "User=java" in unit


@pytest.mark.full
def test_what_npm_installs_becomes_a_package(greeter: Path, tmp_path: Path) -> None:
    """The real npm, with a dependency that lies beside it: no registry is asked."""
    tell(greeter, "npm")
    words = tmp_path / "words"
    words.mkdir()
    (words / "package.json").write_text('{"name": "words", "version": "1.0.0", "main": "index.js"}')
    (words / "index.js").write_text('module.exports = "good day";\n')
    npm = shutil.which("npm")
    assert npm, "npm comes with node.js"
    subprocess.run([npm, "pack", "--silent", str(words)], cwd=greeter, check=True, timeout=120, capture_output=True)
    wanted = '"dependencies": {"words": "file:words-1.0.0.tgz"}'
    (greeter / "package.json").write_text(f'{{"name": "greeter", "version": "1.0.0", {wanted}}}')
    (greeter / "server.js").write_text('console.log(require("words"));\n')
    lock = [npm, "install", "--package-lock-only", "--offline", "--no-audit", "--no-fund"]
    subprocess.run(lock, cwd=greeter, check=True, timeout=120, capture_output=True)
    assert len(digests(greeter)) == 1
    tree = contents(greeter / "greeter_1.2.3_all.deb", tmp_path / "tree")
    said = subprocess.run(["node", str(tree / "usr/lib/greeter/server.js")], check=True, capture_output=True, text=True)
    assert said.stdout == "good day\n"
