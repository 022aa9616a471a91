"""What a rule did before phoenix first wrote it, kept at the balancer: it outlives this computer, and any crash.

The action that routed stands, compressed, in tags of the place's preview rules, each of which has all of it: they are
phoenix's own, where a tag on the service's rule would be somebody else's to allow, and to take away. They are written
before the first write to the rule, and anew whenever phoenix finds the rule without a group of its own.
A tag's value has at most 256 letters, digits, spaces and `+-=._:/@`, which base64 keeps to
(https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Tag.html).
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping

from phoenix.clouds.aws.calls import Answer
from phoenix.clouds.aws.labels import PREFIX

BEFORE = f"{PREFIX}before"
"""How many tags `phoenix:before-N` make it, from 1."""
_VALUE = 256


def kept(action: Answer) -> dict[str, str]:
    """The tags that keep the action."""
    text = json.dumps(action, sort_keys=True, separators=(",", ":"), default=str)
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    parts = [packed[start : start + _VALUE] for start in range(0, len(packed), _VALUE)]
    return {BEFORE: str(len(parts))} | {f"{BEFORE}-{number}": part for number, part in enumerate(parts, 1)}


def found(tags: Mapping[str, str]) -> Answer | None:
    """The action that the tags keep; None where they keep none, or somebody has cut them."""
    count = tags.get(BEFORE, "")
    if not count.isdecimal():
        return None
    packed = "".join(tags.get(f"{BEFORE}-{number}", "") for number in range(1, int(count) + 1))
    try:
        action = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
    except (binascii.Error, zlib.error, ValueError):
        return None
    return action if isinstance(action, dict) else None
