"""`make bench`: measure everything and write docs/benchmarks.md.

`python -m benchmarks recipes start` measures only these, and prints their rows; also `packages`, `bake`, `rolls`,
`aws` and `gcp`. Exit code 1 where something could not be measured; a ratio that is missed is told with its machine,
and fails nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import aws, figures, gcp, packages, recipes, record, rolls
from benchmarks.measure import FailedError, run, say
from benchmarks.report import Figure, Limit, page
from phoenix.clouds.local.bake.builders import accelerator

PARTS = ("start", "recipes", "packages", "bake", "rolls", "aws", "gcp")
FILE = "SQLite, synced to the disk"
BUCKET = "a bucket, S3 over HTTP on this machine"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def main(wanted: Sequence[str]) -> int:
    """Measure, write, and say what came out."""
    unknown = set(wanted) - set(PARTS)
    if unknown:
        say(f"there is no part {', '.join(sorted(unknown))}; parts: {', '.join(PARTS)}")
        return 2
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed phoenix is compiled once and not at every start
    directory = Path(tempfile.mkdtemp(prefix="phoenix-bench-"))
    try:
        measured, limits = measure(directory, wanted or PARTS)
        steps = {} if wanted else {FILE: record.on_file(directory), BUCKET: record.on_bucket(directory)}
    except FailedError as error:
        say(str(error))
        return 1
    finally:
        shutil.rmtree(directory)
    every: tuple[Figure | Limit, ...] = (*measured, *limits)
    if wanted:
        sys.stdout.write("".join(f"{each.row()}\n" for each in every))
    else:
        PAGE.write_text(page(measured, limits, steps, accelerator(say)))
    for figure in measured:
        say(f"{figure.name}: {figure.phoenix.median:.2f} {figure.unit}, ratio {figure.ratio:.2f}")
    for each in every:
        say(f"missed: {each.missed}" if each.missed else f"reached: {each.name}: {each.reached}")
    return 0


def measure(directory: Path, wanted: Sequence[str]) -> tuple[list[Figure], list[Limit]]:
    """The figures of the parts that are wanted, measured in `directory`."""
    measured = recipes.figures(directory) if "recipes" in wanted else []
    limits: list[Limit] = recipes.limits(directory) if "recipes" in wanted else []
    if set(wanted) & {"start", "bake", "rolls"}:
        measured, more = _on_this_computer(directory, wanted, measured)
        limits += more
    for part, figures_of in (("packages", packages.figures), ("aws", aws.figures), ("gcp", gcp.figures)):
        if part in wanted:
            compared, more = figures_of(directory)
            measured, limits = [*measured, *compared], [*limits, *more]
    return measured, limits


def _on_this_computer(
    directory: Path, wanted: Sequence[str], measured: list[Figure]
) -> tuple[list[Figure], list[Limit]]:
    """Those of the local cloud, around what is measured already: in the order of the page."""
    place = figures.Workplace(project=directory / "hello", scratch=directory)
    say(f"preparing in {directory}: a project and its two images")
    run(str(figures.BIN / "phoenix"), "init", str(place.project))
    place.phoenix("bake", *figures.NODEJS)
    measured = [*([figures.start(), figures.hit(place)] if "start" in wanted else []), *measured]
    limits = list[Limit]()
    if "bake" in wanted:
        measured += figures.bakes(place)
        limits.append(figures.from_the_mirror(place))
    if "rolls" in wanted:
        with rolls.service(place) as service:
            measured += [rolls.roll(service), rolls.rollback(service), rolls.rescue(service)]
    return measured, limits


sys.exit(main(sys.argv[1:]))
