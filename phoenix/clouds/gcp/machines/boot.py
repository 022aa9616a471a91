"""What a machine's metadata carry: its boot work as a startup script, and its release, which is read back from there.

Google's guest agent runs a startup script at every boot
(https://cloud.google.com/compute/docs/instances/startup-scripts/linux); boot work is for the first boot that it
succeeds in, so the script leaves a stamp on the machine's own disk and does nothing where that is. One value may have
256 KB, all of them 512 KB (https://cloud.google.com/compute/docs/metadata/setting-custom-metadata#limitations).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from phoenix import typed
from phoenix.clouds import rules
from phoenix.errors import RefusedError
from phoenix.model import Release

LIMIT, WHOLE_LIMIT = 256 * 1024, 512 * 1024
"""Bytes: of one value, and of all together."""
SCRIPT, RELEASE = "startup-script", "phoenix-release"
RELEASE_FILE = "/etc/phoenix/release.json"
"""Where a machine finds what it runs."""
_WORK = """\
#!/bin/sh
# The boot work of a release: once, by the first boot that it succeeds in. Google's guest agent runs this at every boot.
set -eu
stamp=/var/lib/phoenix/booted-{digest}
[ ! -e "$stamp" ] || exit 0
mkdir -p /etc/phoenix /var/lib/phoenix
cat > {file} <<'PHOENIX_{digest}'
{release}
PHOENIX_{digest}
umask 077
cat > /var/lib/phoenix/boot.sh <<'PHOENIX_{digest}'
{script}
PHOENIX_{digest}
sh /var/lib/phoenix/boot.sh < /dev/null
: > "$stamp"
"""


def metadata(script: str, release: Release) -> dict[str, str]:
    """The metadata of a machine: the same for the same work. RefusedError where Google does not take so much."""
    written = typed.to_json(typed.adapter(Release), release).decode()
    digest = hashlib.sha256(f"{script}\n{written}".encode()).hexdigest()[:24]
    work = _WORK.format(digest=digest, file=RELEASE_FILE, release=written, script=script.rstrip("\n"))
    found = {SCRIPT: work, RELEASE: written}
    sizes = [len(text.encode()) for text in found.values()]
    if max(sizes) > LIMIT or sum(sizes) > WHOLE_LIMIT:
        raise _too_big(script, release, max(sizes))
    return found


def release_of(items: Iterable[Mapping[str, Any]]) -> Release | None:
    """The release that `metadata` put into the items of a template; None where nobody wrote one down there."""
    text = next((each.get("value", "") for each in items if each.get("key") == RELEASE), "")
    try:
        release: Release = typed.adapter(Release).validate_json(text)
    except ValueError:
        return None
    return release


def _too_big(script: str, release: Release, size: int) -> RefusedError:
    told = f"it has {size:,} bytes, and a machine's metadata take {LIMIT:,} of them in one value"
    return rules.too_big(script, release, cloud="Google Cloud", details=told)
