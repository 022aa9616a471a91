"""Data in the description of a thing: compressed, behind the words for people.

A description has at most 2,048 characters; that of an image may be changed later
(https://cloud.google.com/compute/docs/reference/rest/v1/images/patch).
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

LONGEST = 2048
_AFTER = ", baked by phoenix"
"""What the Packer template writes after the image's name, and before the data."""
_BETWEEN = ": "


def packed(data: Any) -> str:
    """What stands after the words for people: JSON-able `data`."""
    whole = zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)
    return _BETWEEN + base64.b64encode(whole).decode()


def description(image_id: str, data: Any) -> str:
    """The whole description of an image."""
    return f"{image_id}{_AFTER}{packed(data)}"


def unpacked(text: str) -> Any:
    """The data in a description; None where it holds nothing, or nothing whole."""
    _words, found, data = text.partition(_AFTER + _BETWEEN)
    try:
        return json.loads(zlib.decompress(base64.b64decode(data, validate=True))) if found else None
    except (binascii.Error, zlib.error, ValueError):
        return None
