"""What a test asks of the emulator itself, beside AWS' calls: one JSON object in, one out, per verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.aws.account import Account
from tests.emulators.aws.emulated import Said
from tests.emulators.aws.faults import Fault
from tests.emulators.aws.load_balancer import Chooser
from tests.emulators.machines.proxy import Proxy

Verb = Callable[[Mapping[str, Any]], Mapping[str, Any]]
SCALES_BY_ITSELF = ("AlarmNotification", "ScheduledActions")


class Control:
    """The verbs of `Emulator`, on this side of the wire."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._emulated = account.emulated
        self._proxies: dict[str, Proxy] = {}
        """By listener."""
        self.verbs: Mapping[str, Verb] = {
            "reset": self._reset,
            "advance": self._advance,
            "configure": self._configure,
            "fail": self._fail,
            "clear-faults": self._clear_faults,
            "calls": self._calls,
            "forget-calls": self._forget_calls,
            "tell": self._tell,
            "console": self._console,
            "kill": self._kill,
            "serve": self._serve,
            "world": self._world,
            "autoscale": self._autoscale,
        }

    def _reset(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        for proxy in self._proxies.values():
            proxy.end()
        self._proxies.clear()
        self._account.reset()
        return {}

    def _advance(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._emulated.clock.advance(float(asked["seconds"]))
        return {"now": self._emulated.clock.now}

    def _configure(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._emulated.configure(self._emulated.settings.changed(asked))
        return {}

    def _fail(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._emulated.faults.add(Fault(**asked))
        return {}

    def _clear_faults(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._emulated.faults.clear()
        return {}

    def _calls(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"calls": [call.written() for call in self._emulated.calls]}

    def _forget_calls(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._emulated.calls.clear()
        return {}

    def _tell(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked.get("well"):
            self._emulated.told.pop(asked["subject"], None)
        else:
            self._emulated.told[asked["subject"]] = Said(
                status=asked["status"], error=asked["error"], since=self._emulated.clock.now
            )
        return {}

    def _console(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._emulated.consoles[asked["subject"]] = asked["text"]
        return {}

    def _kill(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._emulated.machines.kill(asked["instance"])
        return {}

    def _serve(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Its port stays the same until the reset."""
        listener, pictures = asked["listener"], self._account.pictures
        pictures.serve(listener)
        if listener not in self._proxies:
            self._proxies[listener] = Proxy(
                Chooser(listener, picture=lambda: pictures.now, now=lambda: self._emulated.clock.now)
            )
        return {"address": f"127.0.0.1:{self._proxies[listener].server_port}"}

    def _world(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._account.world(asked["project"]).written()

    def _autoscale(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a policy's alarm or a scheduled action does, unless its process is suspended."""
        process, desired = asked["process"], int(asked["desired"])
        assert process in SCALES_BY_ITSELF, process
        (group,) = (group for (_region, name), group in self._account.engine.groups.items() if name == asked["group"])
        if group.does(process):
            group.desired = max(group.minimum, min(desired, group.maximum))
            self._account.engine.settle(group, f"{process} changed the desired capacity to {group.desired}")
        return {"desired": group.desired}
