"""The user data of a machine: its boot work and its release, as one gzip'ed MIME message that cloud-init reads.

The release travels as cloud-config that writes it to the machine's own disk, for cloud-init warns of parts that it does
not know. It is what a group's release is read back from. EC2 takes 16 KiB before base64
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html); cloud-init takes gzip and MIME
(https://cloudinit.readthedocs.io/en/latest/explanation/format.html).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import quopri
import zlib
from email import message_from_bytes
from email.message import Message

from phoenix import typed
from phoenix.clouds import rules
from phoenix.errors import RefusedError
from phoenix.model import Release

LIMIT = 16 * 1024
"""Bytes, compressed."""
RELEASE_FILE = "/etc/phoenix/release.json"
"""Where a machine finds what it runs."""
_SCRIPT, _CONFIG = "text/x-shellscript", "text/cloud-config"
_HEADER = "#cloud-config\n"


def packed(script: str, release: Release) -> bytes:
    """The same bytes for the same work, whenever they are made. RefusedError where EC2 does not take so many."""
    whole = _compressed(script, release)
    if len(whole) > LIMIT:
        raise _too_big(script, release, len(whole))
    return whole


def release_of(user_data: bytes) -> Release | None:
    """The release that `packed` put in; None where nobody wrote one down there."""
    try:
        message = message_from_bytes(gzip.decompress(user_data))
    except (OSError, EOFError, zlib.error):
        return None
    for part in message.walk():
        if part.get_content_type() == _CONFIG:
            return _release(part)
    return None


def _release(part: Message) -> Release | None:
    body = part.get_payload(decode=True)
    try:
        config = json.loads(bytes(body).decode().removeprefix(_HEADER)) if isinstance(body, bytes) else {}
        written = {file["path"]: file["content"] for file in config.get("write_files", ())}
        release: Release = typed.adapter(Release).validate_json(written[RELEASE_FILE])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return release


def _compressed(script: str, release: Release) -> bytes:
    parts = (_part(_SCRIPT, "boot.sh", script), _part(_CONFIG, "release.yaml", _config(release)))
    boundary = "phoenix-" + hashlib.sha256(b"".join(parts)).hexdigest()[:24]
    body = b"".join(b"--%s\n%s\n" % (boundary.encode(), part) for part in parts)
    header = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{boundary}"\n\n'
    return gzip.compress(header.encode() + body + f"--{boundary}--\n".encode(), mtime=0)


def _part(kind: str, name: str, text: str) -> bytes:
    """A text that is not ASCII is written quoted: cloud-init reads it by Python's own reader, which needs that."""
    coding, body = (
        ("7bit", text.encode()) if text.isascii() else ("quoted-printable", quopri.encodestring(text.encode()))
    )
    header = (
        f'Content-Type: {kind}; charset="utf-8"\n'
        f"Content-Transfer-Encoding: {coding}\n"
        f'Content-Disposition: attachment; filename="{name}"\n\n'
    )
    return header.encode() + body


def _config(release: Release) -> str:
    file = {"path": RELEASE_FILE, "permissions": "0644", "content": _json(release)}
    return _HEADER + json.dumps({"write_files": [file]}, ensure_ascii=False) + "\n"


def _json(release: Release) -> str:
    return typed.to_json(typed.adapter(Release), release).decode()


def _too_big(script: str, release: Release, size: int) -> RefusedError:
    told = f"it has {size:,} bytes, compressed, and EC2 takes {LIMIT:,}; before that, in bytes"
    return rules.too_big(script, release, cloud="AWS", details=told)
