"""Instances. https://cloud.google.com/compute/docs/instances/instance-life-cycle"""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.gcp.api.errors import ApiError, Json, OperationError, invalid, not_ready
from tests.emulators.gcp.api.generic import Generic, check_fingerprint
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import key_of, link
from tests.emulators.gcp.compute.launching import Launching
from tests.emulators.gcp.compute.quotas import Quotas
from tests.emulators.gcp.compute.said import subjects
from tests.emulators.gcp.emulated import Emulated


class InstanceKind(Kind):
    """Instances, whoever makes them."""

    noun = "instances"

    def __init__(self, emulated: Emulated, quotas: Quotas, launching: Launching, generic: Generic) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._quotas = quotas
        self._launching = launching
        self._generic = generic
        self._since: dict[str, float] = {}
        """When a machine began to start, or to end."""
        self.running: dict[str, float] = {}
        """Since when each runs."""

    def forget(self) -> None:
        """None is there."""
        self._since.clear()
        self.running.clear()
        self._launching.forget()

    def actions(self) -> Mapping[str, Handler]:
        """What is done to one."""
        return {
            "stop": self._stop,
            "start": self._start,
            "reset": self._reset,
            "setMetadata": self._set_metadata,
            "setTags": self._set_tags,
            "setDeletionProtection": self._set_deletion_protection,
            "getSerialPortOutput": self._console,
        }

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """From the body, over a template where one is named."""
        template = key_of(asked.query.get("sourceInstanceTemplate", ""), asked.project)
        if template:
            body = {**self._store.need(template)["properties"], **body}
        return self._launching.built(key, body)

    def created(self, key: str) -> float | None:
        """Room is looked for, its machine starts, and it runs."""
        row, now = self._store.need(key), self._emulated.clock.now
        if row["status"] == "PROVISIONING":
            self._quotas.check_instance(key)
            self._launching.launch(key)
            self._since[key] = now
        left = self._emulated.settings.creating - (now - self._since[key])
        if left > 0:
            return min(left, 1.0)
        self._since.pop(key)
        row.update(status="RUNNING", lastStartTimestamp=self._store.moment)
        self.running[key] = now
        self._limit_run(key, row)
        return None

    def undone(self, key: str) -> None:
        """Its disks are gone with it."""
        self._since.pop(key, None)
        self._launching.release(key)

    def _limit_run(self, key: str, row: Json) -> None:
        """https://cloud.google.com/compute/docs/instances/limit-vm-runtime"""
        seconds = (row["scheduling"].get("maxRunDuration") or {}).get("seconds")
        if seconds is None:
            return
        action = row["scheduling"].get("instanceTerminationAction")
        if not action:
            raise OperationError("INVALID", "maxRunDuration needs instanceTerminationAction")

        def end() -> None:
            if self._store.get(key) is row and row["status"] == "RUNNING":
                work = self._stopped if action == "STOP" else self._deleted
                self.deleting(key)
                self._emulated.operations.start(
                    "compute.instances.automaticStop", key, lambda: work(key), caller="system"
                )

        self._emulated.clock.later(float(seconds), end)

    def check_deletion(self, asked: Asked, key: str) -> None:
        """A protected one stays."""
        if self._store.need(key).get("deletionProtection"):
            raise ApiError(
                400,
                "invalid",
                f"Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion. {key}'.",
            )

    def deleting(self, key: str) -> None:
        """Its system is being ended."""
        row = self._store.need(key)
        self.running.pop(key, None)
        if row["status"] not in ("TERMINATED", "STOPPING"):
            self._emulated.machines.stop(row["id"])
            self._since[key] = self._emulated.clock.now
        row["status"] = "STOPPING"

    def _ended(self, key: str) -> float | None:
        since = self._since.get(key)
        left = self._emulated.settings.stopping - (self._emulated.clock.now - since) if since is not None else 0.0
        if left > 0:
            return left
        self._since.pop(key, None)
        return None

    def deleted(self, key: str) -> float | None:
        """Its system has ended, and what was its own is gone."""
        again = self._ended(key)
        if again is None:
            self._launching.release(key)
        return again

    def _deleted(self, key: str) -> float | None:
        again = self.deleted(key)
        if again is None:
            self._store.pop(key)
        return again

    def _stopped(self, key: str) -> float | None:
        again = self._ended(key)
        if again is None and key in self._store:
            self._store.need(key).update(status="TERMINATED", lastStopTimestamp=self._store.moment)
        return again

    def _stop(self, asked: Asked) -> Json:
        self._need_ready(asked.key)
        if asked.error is None:
            self.deleting(asked.key)
        return self._generic.alter(asked, lambda: self._stopped(asked.key))

    def _start(self, asked: Asked) -> Json:
        row = self._need_ready(asked.key)
        if row["status"] != "TERMINATED":
            raise invalid("status", row["status"], "Only a stopped instance can be started.")

        def come() -> None:
            self._emulated.machines.start(row["id"])
            row.update(status="RUNNING", lastStartTimestamp=self._store.moment)
            self.running[asked.key] = self._emulated.clock.now

        return self._generic.alter(asked, come)

    def _need_ready(self, key: str) -> Json:
        row = self._store.need(key)
        if key in self._store.busy:
            raise not_ready(key)
        return row

    def _reset(self, asked: Asked) -> Json:
        row = self._need_ready(asked.key)

        def come() -> None:
            self._emulated.machines.kill(row["id"])
            self._emulated.machines.start(row["id"])

        return self._generic.alter(asked, come)

    def _set_metadata(self, asked: Asked) -> Json:
        """https://cloud.google.com/compute/docs/reference/rest/v1/instances/setMetadata"""
        row = self._store.need(asked.key)
        check_fingerprint(asked.body.get("fingerprint"), row["metadata"]["fingerprint"], must=True)

        def come() -> None:
            row["metadata"] = {"kind": "compute#metadata", "items": asked.body.get("items", [])}
            self._store.stamp(asked.key)

        return self._generic.alter(asked, come)

    def _set_tags(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        check_fingerprint(asked.body.get("fingerprint"), row["tags"]["fingerprint"], must=True)

        def come() -> None:
            row["tags"] = {"items": asked.body.get("items", [])}
            self._store.stamp(asked.key)

        return self._generic.alter(asked, come)

    def _set_deletion_protection(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        wanted = asked.query.get("deletionProtection", "true") == "true"
        return self._generic.alter(asked, lambda: row.update(deletionProtection=wanted))

    def _console(self, asked: Asked) -> Json:
        """https://cloud.google.com/compute/docs/reference/rest/v1/instances/getSerialPortOutput"""
        row = self._store.need(asked.key)
        said = (self._emulated.consoles.get(name) for name in subjects(self._store, asked.key))
        text = next((text for text in said if text is not None), None)
        if text is None:
            text = self._emulated.machines.console(row["id"])
        start = int(asked.query.get("start", 0))
        return {
            "kind": "compute#serialPortOutput",
            "selfLink": link(f"{asked.key}/serialPort"),
            "contents": text[start:],
            "start": str(start),
            "next": str(len(text)),
        }
