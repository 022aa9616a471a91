"""The options of an overlay: an image's tree below, and above it what a bake or a machine writes."""

from __future__ import annotations

from pathlib import Path

from phoenix.errors import ToolError

OPTIONS = "redirect_dir=nofollow,metacopy=off,index=off,volatile"
"""What makes an upper directory one that can be made flat: no redirects, no copies of owners alone. `volatile` makes
every fsync in it free: a bake or a machine that is cut off is thrown away as a whole."""


def options(lower: Path, upper: Path, work: Path, *, root: bool) -> str:
    """Mount options for an overlay, mounted by the computer's root or by the root of a user namespace.

    ToolError for a path that overlayfs cannot be told.
    """
    for path in (lower, upper, work):
        if set(str(path)) & set(",:\\"):
            raise ToolError(
                f"the path {path} cannot be used for an overlay",
                details="overlayfs separates its directories by commas and colons",
                resolution="Move the project, or set the cloud's `images`, to a path without , : and \\.",
            )
    plain = f"lowerdir={lower},upperdir={upper},workdir={work},{OPTIONS}"
    return plain if root else f"{plain},userxattr"
