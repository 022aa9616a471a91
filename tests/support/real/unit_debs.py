"""Packages with systemd units of every kind, as people make them: enabled by their maintainer scripts, or not."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

UNITS = "usr/lib/systemd/system"
SERVE = """\
import http.server, os, socket
class Server(http.server.HTTPServer):
    def server_bind(self): pass
    def server_activate(self): pass
server = Server(("", 0), http.server.SimpleHTTPRequestHandler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
os.chdir("/usr/share/sockets")
server.serve_forever()
"""
_TOUCH = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/touch /run/{name}\n"
_UP = "[Service]\nExecStart=/bin/sleep infinity\n"
_BY = "[Install]\nWantedBy={target}\n"
SOCKETS = {
    f"{UNITS}/sockets.socket": "[Socket]\nListenStream=8080\n" + _BY.format(target="sockets.target"),
    f"{UNITS}/sockets.service": (
        "[Service]\nEnvironmentFile=/etc/phoenix/settings.env\nExecStart=/usr/bin/python3 -u /usr/share/sockets/serve\n"
    ),
    "usr/share/sockets/serve": SERVE,
    "usr/share/sockets/index.html": "served by a socket\n",
    f"{UNITS}/tick.timer": "[Timer]\nOnActiveSec=0\n" + _BY.format(target="timers.target"),
    f"{UNITS}/tick.service": _TOUCH.format(name="ticked"),
    f"{UNITS}/seen.path": "[Path]\nPathExists=/run/ticked\n" + _BY.format(target="paths.target"),
    f"{UNITS}/seen.service": _TOUCH.format(name="seen"),
    f"{UNITS}/all.target": _BY.format(target="multi-user.target"),
    f"{UNITS}/part.service": _UP + _BY.format(target="all.target"),
    f"{UNITS}/worker@.service": _UP + _BY.format(target="multi-user.target"),
    "etc/systemd/system/admins.service": _UP + _BY.format(target="multi-user.target"),
    f"{UNITS}/lazy.service": _UP + _BY.format(target="multi-user.target"),
    f"{UNITS}/asleep.service": _UP + _BY.format(target="sleep.target"),
    f"{UNITS}/repair.target": "",
    f"{UNITS}/repair.service": _UP + _BY.format(target="repair.target"),
    f"{UNITS}/hidden.service": _UP + _BY.format(target="multi-user.target"),
    "etc/init.d/ancient": "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: ancient\n# Required-Start:\n# Required-Stop:\n"
    '# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n[ "$1" != start ] || touch /run/ancient\n',
    "etc/sockets.conf": "as the package has it\n",
}
ENABLED = (
    "sockets.socket tick.timer seen.path all.target part.service worker@one.service admins.service "
    "asleep.service repair.service"
)
STARTED = (*ENABLED.split()[:-2], "ancient.service", "needed.service")
"""What a boot starts of them."""
NOT_STARTED = ("lazy.service", "asleep.service", "repair.service", "hidden.service", "worker@two.service")
POSTINST = f"""\
#!/bin/sh
set -e
systemctl enable -q {ENABLED} hidden.service
systemctl mask -q hidden.service
update-rc.d ancient defaults
"""
NEEDED = {
    f"{UNITS}/needed.service": _UP + _BY.format(target="multi-user.target"),
    f"{UNITS}/shy.service": "[Unit]\nRefuseManualStart=yes\n" + _UP + _BY.format(target="multi-user.target"),
}


def make(
    directory: Path, name: str, version: str, files: Mapping[str, str], *, postinst: str = "", depends: str = ""
) -> Path:
    """A package of these files (those below /etc are configuration files), with that script; in `directory`."""
    tree = directory / "unit-debs" / f"{name}-{version}"
    for path, text in files.items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755 if path.startswith("etc/init.d/") else 0o644)
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    fields = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: a test <t@localhost>\n"
    (control / "control").write_text(fields + (f"Depends: {depends}\n" if depends else "") + "Description: a test\n")
    (control / "conffiles").write_text("".join(f"/{path}\n" for path in files if path.startswith("etc/")))
    if postinst:
        (control / "postinst").write_text(postinst)
        (control / "postinst").chmod(0o755)
    file = directory / f"{name}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "-Zgzip", "--root-owner-group", "--build", tree, file], check=True, capture_output=True)
    return file
