"""`make bench`: measure everything, write docs/benchmarks.md; exit code 1 where a promise is not kept."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import figures, record, rolls
from benchmarks.measure import FailedError, run, say
from benchmarks.report import page
from phoenix.clouds.local.builders import accelerator

BUCKET = "a bucket, S3 over HTTP on this machine"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    """Measure, write, and say what came out."""
    directory = Path(tempfile.mkdtemp(prefix="phoenix-bench-"))
    place = figures.Workplace(project=directory / "hello", scratch=directory, accelerator=accelerator(say))
    try:
        say(f"preparing in {directory}: a project and its two images")
        run(str(figures.BIN / "phoenix"), "init", str(place.project))
        place.phoenix("bake", "foundation", "nodejs")
        steps = {"SQLite, synced to the disk": record.on_file(directory), BUCKET: record.on_bucket(directory)}
        measured = [figures.start(), figures.hit(place), figures.bake(place)]
        with rolls.service(place) as service:
            measured += [rolls.roll(service), rolls.rollback(service), rolls.rescue(service)]
    except FailedError as error:
        say(str(error))
        return 1
    finally:
        shutil.rmtree(directory)
    PAGE.write_text(page(measured, steps, place.accelerator))
    for figure in measured:
        say(f"{figure.name}: {figure.phoenix.median:.2f} s, ratio {figure.ratio:.2f}, reached: {figure.reached}")
    return 0 if all(figure.must.kept(figure) for figure in measured) else 1


sys.exit(main())
