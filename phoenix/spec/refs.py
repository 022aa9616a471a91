"""How people name an image on the command line: `TYPE/NAME`, `TYPE/NAME@KEYPREFIX`, or the cloud's own id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from phoenix.errors import RefusedError, SpecError
from phoenix.model import Image, ImageType
from phoenix.spec.images import ImageName

FORMS = "TYPE/NAME (newest verified), TYPE/NAME@KEYPREFIX, or the cloud's own id; TYPE: " + " | ".join(ImageType)
_NAMED = re.compile(r"(?P<type>[^/@]*)/(?P<name>[^/@]*)(@(?P<key>[^/@]*))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    """A reference to one image: by name and perhaps a key's beginning, or by id."""

    text: str
    image: ImageName | None
    key: str
    """The beginning of its key, may be empty."""

    def fits(self, image: Image) -> bool:
        """Whether the reference means this image, or one like it."""
        if self.image is None:
            return image.id == self.text
        return (image.type, image.name) == (self.image.type, self.image.name) and image.key.startswith(self.key)


def parse(text: str) -> Ref:
    """The reference that `text` is. SpecError where it has none of the three forms."""
    if "/" not in text and "@" not in text and text:
        return Ref(text=text, image=None, key="")
    found = _NAMED.fullmatch(text)
    if not found or not found["name"] or found["type"] not in list(ImageType):
        raise _malformed(text)
    key = found["key"]
    if key is not None and not re.fullmatch("[0-9a-f]{1,64}", key):
        raise _malformed(text)
    return Ref(text=text, image=ImageName(type=ImageType(found["type"]), name=found["name"]), key=key or "")


def pick(text: str, images: Iterable[Image], *, verified: bool) -> Image:
    """The newest of `images` that the reference means; with `verified` one whose verification it passed.

    SpecError where the text is no reference, or the key's beginning fits several recipes; RefusedError where
    there is no such image.
    """
    ref = parse(text)
    fitting = sorted((i for i in images if ref.fits(i)), key=lambda i: (i.verified, i.created, i.id))
    if not fitting or (verified and not fitting[-1].verified):
        raise _missing(ref, bool(fitting))
    keys = {image.key for image in fitting}
    if ref.key and len(keys) > 1:
        raise SpecError(
            f"{text} may mean several images",
            details="\n".join(sorted(f"{ref.image}@{key[:20]}" for key in keys)),
            resolution="Give more of the key.",
        )
    return fitting[-1]


def _malformed(text: str) -> SpecError:
    return SpecError(
        f"'{text}' does not name an image",
        details=f"accepted: {FORMS}",
        resolution="See `phoenix image list` for the images there are.",
    )


def _missing(ref: Ref, unverified: bool) -> RefusedError:
    bake = f"phoenix bake {ref.image.type} {ref.image.name}" if ref.image and not ref.key else "phoenix image list"
    return RefusedError(
        f"there is no {'verified ' if unverified else ''}image {ref.text}",
        details="it is there, but has not passed its verification" if unverified else "no image fits this reference",
        resolution=f"Run `{bake}`.",
    )
