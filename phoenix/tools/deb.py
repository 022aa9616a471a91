"""Debian packages as files: what one says of itself, and building one from a directory."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from phoenix.debs import ARCHITECTURES, Deb
from phoenix.errors import SpecError, ToolError
from phoenix.names import PACKAGE_NAME
from phoenix.tools import apt_reading, deb_archive, process
from phoenix.tools.deb_archive import NotWholeError, UnknownFormError
from phoenix.tools.process import NOT_DECODED, Command

BUILD_TIME = 946684800
"""The time (2000-01-01, in seconds since 1970) of every file in a package that phoenix builds."""

_VERSION = re.compile(r"(?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f]")
_NAME_RULE = (
    "lower-case letters, digits and + - ., at least two, not beginning with + - . (aptly would drop it silently)"
)
_VERSION_RULE = "[EPOCH:]VERSION[-REVISION], beginning with a digit, such as 1.2.3 or 1:2.0-1"
_LONGEST = 200
"""Characters of a name and a version: machines and aptly make names of files of them, which have at most 255."""
_LISTS = {".changes": "a list of what was built", ".buildinfo": "a list of what was built", ".dsc": "a source package"}
"""What is uploaded beside packages, by how its name ends."""
_TIMEOUT = 300.0
"""Seconds for dpkg-deb to go through one package."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """The control fields of a package that phoenix builds."""

    name: str
    version: str
    description: str
    """One line."""
    architecture: str = "all"
    depends: tuple[str, ...] = ()
    maintainer: str = "phoenix <phoenix@localhost>"

    def __str__(self) -> str:
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": self.maintainer,
            "Depends": ", ".join(self.depends),
            "Description": self.description,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def read(path: Path) -> Deb:
    """What the package in `path` says of itself, with the digest of the whole file.

    Raises SpecError, in words for the person who named the file, where it is no whole package that our
    repositories carry; every byte of it is looked at, and every control field as apt and dpkg will read it: one that
    apt cannot read makes the whole index unreadable for every machine.
    """
    (found,) = read_all([path])
    if isinstance(found, SpecError):
        raise found
    return found


def read_all(paths: Iterable[Path]) -> tuple[Deb | SpecError, ...]:
    """The same for many files, for each what it says or what is wrong with it; apt and dpkg are asked once for all."""
    found = [_looked_at(path) for path in paths]
    controls = [each[2] for each in found if not isinstance(each, SpecError)]
    sound = not apt_reading.why_not(*controls)
    return tuple(each if isinstance(each, SpecError) else _as_machines_read(*each, sound=sound) for each in found)


def _looked_at(path: Path) -> tuple[Path, Deb, str] | SpecError:
    """The package and its control file, once all has been looked at but what only apt and dpkg can say."""
    try:
        _check_file(path)
        control = _control(path)
        fields = _fields(path, control)
        name, version, architecture = (fields.get(each, "") for each in ("package", "version", "architecture"))
        if not PACKAGE_NAME.fullmatch(name):
            raise _mistake(path, f"has a name that Debian does not allow: '{name}'", f"accepted: {_NAME_RULE}")
        if not _VERSION.fullmatch(version):
            raise _mistake(path, f"has a version that Debian does not allow: '{version}'", f"accepted: {_VERSION_RULE}")
        if architecture not in ARCHITECTURES:
            accepted = ", ".join(ARCHITECTURES)
            raise _mistake(path, f"is for the architecture '{architecture}'", f"machines install: {accepted}")
        _check_fields(path, control)
        if len(name) + len(version) > _LONGEST:
            raise _mistake(
                path,
                "has a name and version that are too long",
                f"together at most {_LONGEST} characters: a file bears both",
            )
    except SpecError as error:
        return error
    return path, Deb(name=name, version=version, architecture=architecture, sha256=sha256(path)), control


def _as_machines_read(path: Path, found: Deb, control: str, *, sound: bool) -> Deb | SpecError:
    why_not = "" if sound else apt_reading.why_not(control)
    return _mistake(path, "has control fields that machines cannot read", why_not) if why_not else found


def sha256(path: Path) -> str:
    """The digest of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build(tree: Path, target: str, control: Control, out: Path) -> Path:
    """Build a package that installs the files of `tree` under the directory `target`; gives its path in `out`.

    The same files and fields give the same bytes: times, owners and modes are made uniform.
    """
    file = out / f"{control.name}_{control.version}_{control.architecture}.deb"
    with tempfile.TemporaryDirectory(prefix="phoenix-deb-") as name:
        stage = Path(name) / "stage"
        shutil.copytree(tree, stage / target.lstrip("/"), symlinks=True)
        (stage / "DEBIAN").mkdir()
        (stage / "DEBIAN" / "control").write_text(str(control), encoding="utf-8")
        _make_uniform(stage)
        process.run(
            Command(
                argv=("dpkg-deb", "-Zgzip", "--root-owner-group", "--build", str(stage), str(file)),
                environment={"SOURCE_DATE_EPOCH": str(BUILD_TIME), "LC_ALL": "C.UTF-8"},
            ),
            timeout=_TIMEOUT,
        )
    return file


def _control(path: Path) -> str:
    """The control file's text. SpecError where the file is no whole package."""
    try:
        found = deb_archive.control(path).decode("utf-8", "replace")
        if not found.endswith("\n"):
            raise NotWholeError("its control file does not end with the end of a line")
        return found
    except NotWholeError as error:
        raise _mistake(path, "is no whole Debian package", str(error)) from error
    except UnknownFormError:
        try:
            fields = _dpkg_deb("--field", str(path))
            _dpkg_deb("--contents", str(path))  # unpacks all of it: a cut or damaged file is noticed
        except ToolError as error:
            raise _mistake(path, "is no whole Debian package", _last_words(error)) from error
        return fields


def _fields(path: Path, control: str) -> dict[str, str]:
    """The fields of a control file by their names in small letters, without what continues them.

    SpecError where it is not one paragraph with each field once: dpkg would not install that.
    """
    fields: dict[str, str] = {}
    for line in control.strip("\n").split("\n"):
        name, colon, value = (part.strip(" \t") for part in line.partition(":"))
        if line[:1] in (" ", "\t"):
            continue
        if not (name and colon) or name.lower() in fields:
            raise _mistake(path, "has a control file that dpkg cannot read", f"it says {line!r}")
        fields[name.lower()] = value
    return fields


def _check_file(path: Path) -> None:
    if not path.exists():
        raise _mistake(path, "is not there", "")
    if not path.is_file():
        raise _mistake(path, "is a directory" if path.is_dir() else "is no file", "")
    if path.suffix in _LISTS:
        told = "the .deb files that it was built with are published, each by its own name"
        raise _mistake(path, f"is {_LISTS[path.suffix]} ({path.suffix}), and no package", told)
    if not os.access(path, os.R_OK):
        raise _mistake(path, "may not be read by you", "")


def _check_fields(path: Path, fields: str) -> None:
    """All control fields are text in UTF-8 (Debian Policy 5.1)."""
    name = ""
    for line in fields.strip("\n").split("\n"):
        name = name if line[:1] in (" ", "\t") else line.partition(":")[0]
        if not line.strip(" \t"):
            raise _mistake(path, "has a control file that dpkg cannot read", f"a blank line follows '{name}'")
        if NOT_DECODED in line:
            raise _mistake(path, f"has a control field '{name}' that is not in UTF-8", f"it says {line.strip()!r}")
        if _CONTROL_CHARACTER.search(line):
            raise _mistake(path, f"has control characters in its field '{name}'", f"it says {line.strip()!r}")


def _mistake(path: Path, what: str, details: str) -> SpecError:
    return SpecError(f"{path} {what}", details=details, resolution="Name a .deb file, as `dpkg-deb --build` makes it.")


def _dpkg_deb(*arguments: str) -> str:
    command = Command(argv=("dpkg-deb", *arguments), environment={"LC_ALL": "C.UTF-8"})
    return process.run(command, timeout=_TIMEOUT).stdout


def _last_words(error: ToolError) -> str:
    """dpkg-deb's own last line, without its name."""
    return error.details.splitlines()[-1].removeprefix("dpkg-deb: ").removeprefix("error: ")


def _make_uniform(stage: Path) -> None:
    """Times and modes that do not depend on who checked the tree out, where and when."""
    for path in [*stage.rglob("*"), stage]:
        if not path.is_symlink():
            executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (BUILD_TIME, BUILD_TIME), follow_symlinks=False)
