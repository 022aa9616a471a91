"""`phoenix init`: a small project that bake, publish and roll work on as it is."""

from __future__ import annotations

import re
import socket
import zlib
from pathlib import Path
from typing import Annotated

import typer

from phoenix import data
from phoenix.cli.command import command, command_app
from phoenix.cli.session import PROJECT_FILE, session_of
from phoenix.errors import RefusedError, SpecError
from phoenix.names import WORD

app = command_app()

_RENAMED = {"gitignore": ".gitignore"}
"""Shipped under another name: git would obey it in phoenix's own sources, too."""


@command(app, "phoenix init shop", "phoenix init .")
def init(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where it is written; made if missing.")] = Path(),
) -> None:
    """Write a small working project: phoenix.yaml, a playbook, and a hello service with its way to a .deb.

    Nothing that exists is overwritten. The ports in phoenix.yaml are free ones.
    """
    session = session_of(ctx)
    target = directory.absolute()
    ports = {"service": _free_port(target, 8000, 8999), "repository": _free_port(target, 9000, 9999)}
    files = _write(_contents(target, ports), target)
    data = {"directory": str(target), "files": files, "ports": ports}
    session.out.result(data, _next_steps(directory, files, ports))


def _contents(target: Path, ports: dict[str, int]) -> dict[str, bytes]:
    """What is written, by the path below the project's directory."""
    root = data.path("templates", "project")
    files = {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}
    spec = files[PROJECT_FILE].decode()
    for old, new in (
        ("project: hello", f"project: {_project_name(target)}"),
        ("127.0.0.1:8000", f"127.0.0.1:{ports['service']}"),
        ("127.0.0.1:9999", f"127.0.0.1:{ports['repository']}"),
    ):
        spec = spec.replace(old, new)
    files[PROJECT_FILE] = spec.encode()
    return {_RENAMED.get(name, name): content for name, content in files.items()}


def _project_name(target: Path) -> str:
    """The directory's name as far as a project may be called so, else `hello`."""
    name = re.sub(r"[^a-z0-9]+", "-", target.name.lower()).strip("-")[:26].rstrip("-")
    return name if WORD.fullmatch(name) else "hello"


def _free_port(target: Path, first: int, last: int) -> int:
    """A port nothing listens on. Where the search begins depends on the directory: two new projects rarely meet."""
    count = last - first + 1
    start = zlib.crc32(str(target).encode())
    for offset in range(count):
        port = first + (start + offset) % count
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RefusedError(
        f"no free port from {first} to {last}",
        details="something listens on every one of them",
        resolution="End what is not needed, then try again.",
    )


def _write(contents: dict[str, bytes], target: Path) -> list[str]:
    """Write all files or none. Gives their paths below `target`."""
    there = [name for name in contents if (target / name).exists() or (target / name).is_symlink()]
    if there:
        raise RefusedError(
            f"{target} has files that would be overwritten",
            details=", ".join(there),
            resolution="Name another directory; nothing was written.",
        )
    written: list[Path] = []
    try:
        for name, content in contents.items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            written.append(file)
            file.write_bytes(content)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        raise SpecError(
            f"cannot write the project to {target}",
            details=f"{error.filename}: {error.strerror}",
            resolution="Name a directory that can be written to.",
        ) from error
    return list(contents)


def _next_steps(directory: Path, files: list[str], ports: dict[str, int]) -> str:
    lines = [f"wrote {len(files)} files to {directory.absolute()}", "", "next:"]
    if directory.absolute() != Path.cwd():
        lines.append(f"  cd {directory}")
    lines += [
        "  phoenix doctor                             # is everything there?",
        "  phoenix bake foundation nodejs             # an OS image, then node.js on it",
        "  make -C hello deb VERSION=1.0.0",
        "  phoenix publish hello/hello_1.0.0_all.deb",
        "  phoenix roll web-tier                      # two machines behind a load balancer",
        f"  curl http://127.0.0.1:{ports['service']}/",
    ]
    return "\n".join(lines)
