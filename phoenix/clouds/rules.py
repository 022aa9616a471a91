"""What all clouds share: whose a group is, what shares may be, how weights are read."""

from __future__ import annotations

from collections.abc import Mapping

from phoenix.errors import CloudError, RefusedError
from phoenix.model import Group

WHOLE = 100


def refuse_another(group: Group, project: str, where: str) -> None:
    """RefusedError for a group that phoenix did not make for `project`. `where`: what several projects share."""
    if not group.made:
        raise RefusedError(
            f"phoenix did not make the group {group.name}",
            details=f"it stands in {where} without the labels of a project; phoenix watches it and leaves it as it is",
            resolution="Change it with what made it.",
        )
    if group.project != project:
        raise RefusedError(
            f"the group {group.name} belongs to the project {group.project}",
            details=f"this is the project {project}; both keep their groups in {where}",
            resolution="Give one of them another place, or another service name.",
        )


def refuse_other_release(there: Group, wanted: Group) -> None:
    """CloudError where the group that stands is not the one that is wanted under its name."""
    if there.release != wanted.release and (
        there.release is None or wanted.release is None or there.release.id != wanted.release.id
    ):
        raise CloudError(
            f"the group {there.name} exists with another release",
            details=f"it runs {there.release.id if there.release else 'what nobody wrote down'}, "
            f"wanted was {wanted.release.id if wanted.release else 'none'}",
            resolution="See `phoenix status`; delete that group if nobody needs it.",
        )


def routed(shares: Mapping[str, int]) -> dict[str, int]:
    """The shares above 0. CloudError where they are no percents that make 100 together, or none."""
    wanted = {group: share for group, share in shares.items() if share}
    if sum(wanted.values()) not in (0, WHOLE) or any(share < 0 for share in wanted.values()):
        raise CloudError("shares are 0 to 100 and make 100 together", details=f"asked for: {dict(shares)}")
    return wanted


def percents(weights: Mapping[str, int]) -> dict[str, int]:
    """Weights as whole percents that make 100: the largest remainders are rounded up. Nothing where all are 0.

    Whoever has a weight gets 1 percent at least, for a share of 0 says that a group has no traffic.
    """
    whole = sum(weights.values())
    if not whole:
        return {}
    heavy = {name: weight for name, weight in weights.items() if weight}
    parts = {name: max(1, WHOLE * weight // whole) for name, weight in heavy.items()}
    by_remainder = sorted(heavy, key=lambda name: (-(WHOLE * heavy[name] % whole), -heavy[name], name))
    for name in by_remainder[: max(0, WHOLE - sum(parts.values()))]:
        parts[name] += 1
    while sum(parts.values()) > WHOLE:  # those of under 1 percent were rounded up: the largest gives it
        largest = max(parts, key=lambda name: (parts[name], name))
        parts[largest] -= 1
    return parts
