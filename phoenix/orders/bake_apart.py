"""A bake for several clouds: each in a process of its own, so that one that fails takes no other down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from signal import Signals
from typing import Any

from phoenix.errors import (
    CloudError,
    InterruptedRunError,
    LostRunError,
    PhoenixError,
    RefusedError,
    SpecError,
    ToolError,
)
from phoenix.execute.children import Ended
from phoenix.orders.bake import BakedLayer, BakeOrder, BakeResult, CloudBaked
from phoenix.orders.facts import dump
from phoenix.orders.image_facts import TestFacts
from phoenix.orders.site import Site
from phoenix.tell import Told

_KINDS = (SpecError, RefusedError, ToolError, CloudError, LostRunError)
_BUG = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Report:
    """What the process of one cloud came to."""

    cloud: CloudBaked
    layers: tuple[BakedLayer, ...]
    error: str = ""
    """Its three sentences."""
    tests: tuple[Mapping[str, Any], ...] = ()
    """Those of an image that did not pass them all."""


def carry_out(site: Site, order: BakeOrder, clouds: tuple[str, ...]) -> BakeResult:
    """Bake for these clouds side by side, and wait for all of them.

    Where some fail, one error tells of all, with the worst exit code: the largest. Its facts have every layer that is
    there, and how it ended for each cloud.
    """
    site.say(f"baking for {', '.join(clouds)}, each in a process of its own")

    def hear(cloud: str, told: Told) -> None:
        site.tell(replace(told, text=f"{cloud}: {told.text}"))

    commands = {cloud: _words(site, order, cloud) for cloud in clouds}
    ended = site.apart(commands, environment=site.environment, clock=site.clock, hear=hear)
    reports = [_report(cloud, ended[cloud]) for cloud in clouds]
    layers = tuple(layer for report in reports for layer in report.layers)
    done = tuple(report.cloud for report in reports)
    if any(report.cloud.code for report in reports):
        error = _failed(reports)
        error.know({"layers": [dump(layer) for layer in layers], "clouds": [dump(each) for each in done]})
        error.know({"tests": [test for report in reports for test in report.tests]})
        raise error
    return BakeResult(baked=sum(layer.built for layer in layers), layers=layers, clouds=done)


def _words(site: Site, order: BakeOrder, cloud: str) -> tuple[str, ...]:
    """The command line of one cloud's process."""
    what = ("--all",) if order.every else (order.type or "", order.name or "")
    flags = {"--force": order.force, "--from-scratch": order.from_scratch}
    return (
        *("-C", str(site.project.directory), "bake", *what, "--cloud", cloud, "--json", "--builder", order.builder),
        *(("--verify", order.verify) if order.verify else ()),
        *(flag for flag, wanted in flags.items() if wanted),
    )


def _report(cloud: str, ended: Ended) -> _Report:
    data: Mapping[str, Any] = {}
    with suppress(ValueError):
        data = json.loads(ended.result)
    layers = tuple(map(_layer, data.get("layers", ())))
    if data.get("ok") and ended.code == 0:
        return _Report(cloud=CloudBaked(cloud=cloud), layers=layers)
    error = data.get("error") or {"brief": _speechless(ended.code)}
    code = ended.code if ended.code > 0 else 128 - ended.code if ended.code else _BUG
    said = [str(error[part]) for part in ("brief", "details", "resolution") if error.get(part)]
    return _Report(
        cloud=CloudBaked(cloud=cloud, code=code, error=str(error["brief"])),
        layers=layers,
        error="\n".join(said),
        tests=tuple({**test, "image": f"{cloud}: {test['image']}"} for test in data.get("tests", ())),
    )


def _layer(data: Mapping[str, Any]) -> BakedLayer:
    tests = tuple(TestFacts(**test) for test in data["tests"])
    return BakedLayer(**{**data, "tests": tests})


def _speechless(code: int) -> str:
    return f"its process ended without a word ({f'killed by signal {-code}' if code < 0 else f'exit {code}'})"


def _failed(reports: list[_Report]) -> PhoenixError:
    """The error of those that failed, of the worst one's kind."""
    failed = [report for report in reports if report.cloud.code]
    well = ", ".join(report.cloud.cloud for report in reports if not report.cloud.code)
    brief = f"the bake failed for {', '.join(report.cloud.cloud for report in failed)}"
    brief += f"; for {well} it ended well" if well else ""
    details = "\n".join(f"{report.cloud.cloud}: {_indented(report.error)}" for report in failed)
    resolution = "Mend that, then say it again: what is there is not baked again."
    worst = max(report.cloud.code for report in failed)
    if worst - 128 in set(Signals):
        return InterruptedRunError(brief, signal_number=worst - 128, details=details, resolution=resolution)
    kind = next((kind for kind in _KINDS if kind.code == worst), PhoenixError)
    return kind(brief, details=details, resolution=resolution)


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
