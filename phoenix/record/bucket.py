"""What a failed request to the bucket that holds the state comes to."""

from __future__ import annotations

from phoenix.buckets import Address, meaning, shortened
from phoenix.record.store import StoreError


def problem(place: Address, words: str) -> StoreError:
    """The error for a person, from the words of the library that made the request."""
    brief, resolution = meaning(place, words)
    return StoreError(brief, details=f"{place}: {shortened(words)}", resolution=resolution)
