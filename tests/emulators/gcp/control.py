"""What a test asks of the emulator itself, beside Google's calls: one JSON object in, one out, per verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.gcp.api.references import name_of
from tests.emulators.gcp.compute.said import subjects
from tests.emulators.gcp.emulated import Said
from tests.emulators.gcp.faults import Fault
from tests.emulators.gcp.load_balancer import Chooser
from tests.emulators.gcp.making import made
from tests.emulators.gcp.service import Service
from tests.emulators.gcp.wire.hosts import Hosts
from tests.emulators.machines.kinds import Probed
from tests.emulators.machines.proxy import Proxy

Asked = Mapping[str, Any]
Verb = Callable[[Asked], Mapping[str, Any]]


class Control:
    """The verbs of `Emulator`, on this side of the wire."""

    def __init__(self, service: Service, hosts: Hosts) -> None:
        self._service = service
        self._emulated = service.emulated
        self._hosts = hosts
        self._proxies: dict[str, Proxy] = {}
        """By forwarding rule."""
        self.verbs: dict[str, Verb] = {
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
            "load": self._load,
            "seed": self._seed,
            "secret": self._secret,
            "world": self._world,
            "rows": self._rows,
            "serve": self._serve,
        }

    def _reset(self, asked: Asked) -> Asked:
        for proxy in self._proxies.values():
            proxy.end()
        self._proxies.clear()
        self._service.reset()
        self._hosts.forget()
        return {}

    def _advance(self, asked: Asked) -> Asked:
        self._emulated.clock.advance(float(asked["seconds"]))
        return {"now": self._emulated.clock.now}

    def _configure(self, asked: Asked) -> Asked:
        self._emulated.configure(self._emulated.settings.changed(asked))
        return {}

    def _fail(self, asked: Asked) -> Asked:
        self._emulated.faults.add(Fault(**asked))
        return {}

    def _clear_faults(self, asked: Asked) -> Asked:
        self._emulated.faults.clear()
        return {}

    def _calls(self, asked: Asked) -> Asked:
        return {"calls": [call.written() for call in self._emulated.calls]}

    def _forget_calls(self, asked: Asked) -> Asked:
        self._emulated.calls.clear()
        return {}

    def _tell(self, asked: Asked) -> Asked:
        if asked.get("well"):
            self._emulated.told.pop(asked["subject"], None)
        else:
            probed = Probed(status=asked["status"], error=asked["error"])
            self._emulated.told[asked["subject"]] = Said(probed=probed, since=self._emulated.clock.now)
        return {}

    def _console(self, asked: Asked) -> Asked:
        self._emulated.consoles[asked["subject"]] = asked["text"]
        return {}

    def _kill(self, asked: Asked) -> Asked:
        """All instances of a name; without real machines they answer no more."""
        keys = [
            key
            for key, _row in self._emulated.store.of("instances")
            if asked["subject"] in set(subjects(self._emulated.store, key))
        ]
        assert keys, f"there is no instance of {asked['subject']}"
        for key in keys:
            self._emulated.machines.kill(self._emulated.store.need(key)["id"])
            if not self._emulated.machines.real:
                said = Said(probed=Probed(status=None, error="refused"), since=self._emulated.clock.now)
                self._emulated.told[name_of(key)] = said
        return {"killed": [name_of(key) for key in keys]}

    def _load(self, asked: Asked) -> Asked:
        return {"size": self._service.autoscalers.load(asked["group"], int(asked["wanted"]))}

    def _seed(self, asked: Asked) -> Asked:
        """A thing that is there without any call."""
        return dict(self._emulated.store.put(asked["key"], **asked["fields"]))

    def _secret(self, asked: Asked) -> Asked:
        self._hosts.secrets[asked["name"]] = asked["text"].encode()
        return {}

    def _world(self, asked: Asked) -> Asked:
        return made(self._emulated, asked["labels"]).written()

    def _serve(self, asked: Asked) -> Asked:
        """Its port stays the same until the reset."""
        rule, pictures, clock = asked["rule"], self._service.pictures, self._emulated.clock
        pictures.serve(rule)
        if rule not in self._proxies:
            self._proxies[rule] = Proxy(Chooser(rule, picture=lambda: pictures.now, now=lambda: clock.now))
        return {"address": f"127.0.0.1:{self._proxies[rule].server_port}"}

    def _rows(self, asked: Asked) -> Asked:
        """The keys of all things of a kind that are there."""
        return {"keys": sorted(key for key, _row in self._emulated.store.of(asked["noun"]))}
