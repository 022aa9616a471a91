"""The boot work of a release: the one small script that a machine runs at its first boot.

What the image type leaves open is done here: settings always, packages unless they are baked in, the stack
by a playbook package where the image is an `os` image. Secrets are read by the machine itself: only what they are
called stands in a release and in this script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from phoenix.model import ImageType, Package, Release, Repository

Render = Callable[[str, Mapping[str, Any]], str]
"""Renders a shipped template with values (`tools.render`)."""
BOOT_DIRECTORY = "/usr/share/phoenix/boot"
"""Where a `phoenix-boot-KEY` package puts its playbook tree, in a directory of the package's name."""
SECRET_FILE = "machine-file:"
"""A setting with this prefix is read by the machine from its own disk."""
SECRETS_OF_CLOUDS = {"aws-sm://": "boot/aws_secrets.py", "gcp-sm://": "boot/gcp_secrets.py"}
"""NAME or NAME#KEY after such a prefix: the machine reads it from its cloud's own manager, by that program."""


def boot_script(
    release: Release, image_type: ImageType, render: Render, settings: Mapping[str, str] | None = None
) -> str:
    """The script for machines that start `release` from an image of `image_type`.

    `settings`: those of the release with the secrets of this computer in their places (`secrets.read`).
    """
    written = settings_file(release, settings)
    install = image_type is not ImageType.IMMUTABLE and bool(release.packages or release.boot_playbook)
    return render(
        "boot/boot.sh.j2",
        {
            "release_id": release.id,
            "settings_file": written,
            "secret_files": _references(release, SECRET_FILE),
            "cloud_secrets": [(program, wanted) for program, wanted in _of_clouds(release) if wanted],
            "install": install,
            "new_conffiles": release.new_conffiles,
            "repositories": [_repository(repository) for repository in release.repositories],
            "boot_package": _boot_package(release.boot_playbook),
            "pins": [(pin(package), package.sha256) for package in release.packages],
            "services": [package.name for package in release.packages],
        },
    )


def settings_file(release: Release, settings: Mapping[str, str] | None = None) -> str:
    """The environment file of the release's services, in systemd's syntax (see systemd.exec, EnvironmentFile=)."""
    references = (SECRET_FILE, *SECRETS_OF_CLOUDS)
    known = settings or {}
    plain = [(name, known.get(name, value)) for name, value in release.settings if not value.startswith(references)]
    lines = [f'{name}="{_escape(value)}"' for name, value in plain]
    return "\n".join([*lines, f'PHOENIX_RELEASE="{release.id}"'])


def pin(package: Package) -> str:
    """`name=version`, as apt-get takes it."""
    return f"{package.name}={package.version}"


def _escape(value: str) -> str:
    return "".join("\\" + character if character in '"\\`$' else character for character in value)


def _references(release: Release, prefix: str) -> list[tuple[str, str]]:
    """The settings that refer to a secret by `prefix`, each with what follows it."""
    secrets = [(name, value) for name, value in release.settings if value.startswith(prefix)]
    return [(name, value.removeprefix(prefix)) for name, value in secrets]


def _of_clouds(release: Release) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Each cloud's program, with what it is to read."""
    for prefix, program in SECRETS_OF_CLOUDS.items():
        yield program, [_named(*each) for each in _references(release, prefix)]


def _named(setting: str, reference: str) -> tuple[str, str, str]:
    """A setting, the secret's name, and the key in it, which is empty for the whole secret."""
    name, _hash, key = reference.partition("#")
    return setting, name, key


def _repository(repository: Repository) -> dict[str, str]:
    keyring = f"/etc/apt/keyrings/phoenix-{repository.name}.asc"
    lines = [
        "Types: deb",
        f"URIs: {repository.url}",
        f"Suites: {repository.distribution}",
        f"Components: {repository.component}",
        f"Signed-By: {keyring}" if repository.key else "Trusted: yes",
    ]
    return {
        "key": repository.key,
        "keyring": keyring,
        "file": f"/etc/apt/sources.list.d/phoenix-{repository.name}.sources",
        "source": "\n".join(lines),
    }


def _boot_package(package: Package | None) -> dict[str, str] | None:
    if package is None:
        return None
    return {"pin": pin(package), "sha256": package.sha256, "directory": f"{BOOT_DIRECTORY}/{package.name}"}
