"""Data in tags: compressed, and cut into as many tags as it needs.

A tag's value has at most 256 characters, a thing at most 50 tags
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions).
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

VALUE, MOST = 256, 50
"""Characters of a tag's value; tags of a thing."""


def packed(key: str, data: Any) -> dict[str, str]:
    """JSON-able `data` as the tags KEY-00, KEY-01, ...; none where there is nothing to say."""
    if not data:
        return {}
    whole = base64.b64encode(zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)).decode()
    cuts = range(0, len(whole), VALUE)
    return {f"{key}-{number:02d}": whole[cut : cut + VALUE] for number, cut in enumerate(cuts)}


def unpacked(key: str, tags: Mapping[str, str]) -> Any:
    """What `packed` made these tags of; None where they hold nothing, or nothing whole."""
    parts = [tags[name] for name in sorted(tags) if name.startswith(f"{key}-")]
    if not parts:
        return None
    try:
        return json.loads(zlib.decompress(base64.b64decode("".join(parts))))
    except (binascii.Error, zlib.error, ValueError):
        return None
