"""The programs that phoenix runs, what each is for, and the Debian package that has it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import ToolError
from phoenix.tools.process import Command, run

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)+[^\s,;:)]*")
_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where programs for administrators lie: on the path of few ordinary users."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One program. `ask` are the arguments that make it tell its version; None where it cannot."""

    program: str
    package: str
    purpose: str
    ask: tuple[str, ...] | None = ("--version",)
    local: bool = False
    """Whether it is needed for machines of this computer only."""
    instead: str = ""
    """What works without it; empty where nothing does."""


TOOLBOX = (
    Tool(program="packer", package="packer", purpose="bakes by booting a builder machine", ask=("version",)),
    Tool(program="aptly", package="aptly", purpose="the apt repository", ask=("version",)),
    Tool(program="gpg", package="gnupg", purpose="signs the repository"),
    Tool(program="gpg-agent", package="gnupg", purpose="signs the repository"),
    Tool(program="gpgv", package="gpgv", purpose="checks what was signed"),
    Tool(program="dpkg-deb", package="dpkg", purpose="reads and builds packages"),
    Tool(program="dpkg-query", package="dpkg", purpose="lists what is in an image"),
    Tool(program="setpriv", package="util-linux", purpose="ends programs together with phoenix"),
    Tool(program="unshare", package="util-linux", purpose="keeps a bake's mounts apart"),
    Tool(program="nsenter", package="util-linux", purpose="the way into a bake and a light machine", local=True),
    Tool(program="ssh", package="openssh-client", purpose="the way into a builder machine", ask=("-V",)),
    Tool(program="ssh-keygen", package="openssh-client", purpose="keys for builder machines", ask=None),
    Tool(program="mmdebstrap", package="mmdebstrap", purpose="bootstraps the lowest image layer", local=True),
    Tool(program="mkfs.ext4", package="e2fsprogs", purpose="makes disks", ask=("-V",), local=True),
    Tool(program="qemu-img", package="qemu-utils", purpose="disks of machines", local=True),
    Tool(program="qemu-system-x86_64", package="qemu-system-x86", purpose="verification boots, machines", local=True),
    Tool(program="busybox", package="busybox-static", purpose="the tiny initrd", ask=(), local=True),
    Tool(program="xorriso", package="xorriso", purpose="the first-boot volume", ask=("-version",), local=True),
    Tool(program="haproxy", package="haproxy", purpose="the load balancer", ask=("-v",), local=True),
    Tool(program="runc", package="runc", purpose="light machines", local=True, instead="machines: qemu"),
    Tool(program="slirp4netns", package="slirp4netns", purpose="network of bakes and light machines", local=True),
    Tool(program="ss", package="iproute2", purpose="why a machine's port is deaf", ask=("-V",), local=True),
    Tool(program="ip", package="iproute2", purpose="network of bakes and light machines", ask=("-V",), local=True),
    Tool(
        program="newuidmap",
        package="uidmap",
        purpose="bakes without root",
        ask=None,
        local=True,
        instead="only bakes as root",
    ),
    Tool(program="make", package="make", purpose="builds the hello package", instead="any other build of a .deb"),
)


def find(tool: Tool) -> str | None:
    """The path of the tool's program, or None."""
    return shutil.which(tool.program) or shutil.which(tool.program, path=_PATH)


def version(tool: Tool, path: str) -> str:
    """The version that the program tells, empty where it does not. Runs it."""
    if tool.ask is None:
        return ""
    # packer would look for a newer one of itself on the network
    command = Command(argv=(path, *tool.ask), cwd=Path("/"), environment={"CHECKPOINT_DISABLE": "1", "LC_ALL": "C"})
    try:
        done = run(command, timeout=20, check=False)
    except ToolError:
        return ""
    found = _VERSION.search(f"{done.stdout}\n{done.stderr}")
    return found[0] if found else ""
