"""A current Packer for tests, as far as it tells of itself: Debian has none that brings no plugins."""

from __future__ import annotations

from pathlib import Path

VERSION = "1.8.3"


def current_packer(directory: Path, *plugins: str) -> Path:
    """A program `packer` in `directory` that says what 1.16.0 says of its version and of these plugins."""
    lines = [
        f"echo /p/github.com/hashicorp/{name}/packer-plugin-{name}_v{VERSION}_x5.0_linux_amd64" for name in plugins
    ]
    installed = "; ".join(lines) or ":"
    program = directory / "packer"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in\n    version) echo "Packer v1.16.0" ;;\n    "plugins installed") {installed} ;;\n'
        "    *) exit 2 ;;\nesac\n"
    )
    program.chmod(0o755)
    return program
