"""A directory that the real apt and dpkg take for a machine of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from phoenix.model import Repository


class MachineOfApt:
    """A directory that apt and dpkg take for a machine: no sources, no packages, nothing of this computer's."""

    def __init__(self, root: Path, architecture: str = "amd64") -> None:
        self.root = root
        for directory in (
            "etc/apt/sources.list.d",
            "etc/apt/trusted.gpg.d",
            "etc/apt/preferences.d",
            "etc/apt/apt.conf.d",
            "etc/apt/keyrings",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "var/log/apt",
        ):
            (root / directory).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        (root / "apt.conf").write_text(
            f'Dir "{root}/";\nDir::State::status "{root}/var/lib/dpkg/status";\n'
            'Dir::Bin::methods "/usr/lib/apt/methods";\n'
            'APT::Sandbox::User "root";\n'
            f'APT::Architecture "{architecture}";\nAPT::Architectures {{ "{architecture}"; }};\n'
            'APT::Get::Assume-Yes "true";\nAcquire::Languages "none";\n'
            f'DPkg::Options {{ "--root={root}"; "--force-not-root"; "--force-script-chrootless"; }};\n'
        )

    def use(self, repository: Repository, *, trusted: bool | None = None) -> None:
        """Write the apt source as boot work does."""
        key = self.root / "etc/apt/keyrings/phoenix.asc"
        key.write_text(repository.key)
        trust = trusted if trusted is not None else not repository.key
        last = "Trusted: yes" if trust else f"Signed-By: {key}"
        (self.root / "etc/apt/sources.list.d/phoenix.sources").write_text(
            f"Types: deb\nURIs: {repository.url}\nSuites: {repository.distribution}\n"
            f"Components: {repository.component}\n{last}\n"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `apt-get`; what it says on both streams comes from one pipe."""
        environment = {
            "APT_CONFIG": str(self.root / "apt.conf"),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C",
        }
        return subprocess.Popen(
            ["apt-get", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    def apt_get(self, *arguments: str, timeout: float = 60) -> tuple[int, str]:
        """Run `apt-get`; exit code and what it said."""
        running = self.start(*arguments)
        said, _nothing = running.communicate(timeout=timeout)
        return running.returncode, said
