"""A group that a former version of phoenix wrote down is read as it was meant, and written as it is today."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from phoenix.clouds.local.group_files import GroupFiles
from phoenix.model import LocalMachine

NAME = "web-tier-local-v001"
FORMER = {
    "group": {
        "name": NAME,
        "project": "hello",
        "service": "web-tier",
        "environment": "local",
        "release": {
            "image": "image-1",
            "image_ref": "foundation/nodejs@1",
            "packages": [],
            "settings": [["GREETING", "Hello"]],
            "repositories": [],
            "boot_playbook": None,
        },
        "size": 2,
        "created": "2026-01-31T12:00:00Z",
        "instances": [],
        "keep_until": None,
        "run": "roll-1",
        "shape": "b4218fa6bc72",
    },
    "template": {
        "image": "image-1",
        "machine": {"cpus": 2, "memory": 1073741824},
        "port": 8080,
        "health": {"path": "/", "status": 200, "interval": 2.0, "healthy_after": 5.0, "deadline": 300.0},
        "user_data": "true",
    },
    "engine": "light",
    "schema": 1,
}


def test_a_group_of_a_former_version_is_read(tmp_path: Path) -> None:
    files = GroupFiles(tmp_path)
    (files.groups / NAME).mkdir(parents=True)
    (files.groups / NAME / "group.json").write_text(json.dumps(FORMER))
    record = files.read(NAME)
    assert record is not None
    assert (record.group.made, record.group.pinned_until) == (True, None)
    assert record.group.release is not None
    assert record.group.release.settings == (("GREETING", "Hello"),)
    assert record.template.machine == LocalMachine(cpus=2, memory=1 << 30)
    assert (record.template.size, record.template.born_with, record.template.zones) == (None, (), ())
    pinned = replace(record, group=replace(record.group, pinned_until=datetime(2026, 2, 1, tzinfo=UTC)))
    files.write(pinned)
    assert files.read(NAME) == pinned


def test_a_group_is_for_the_eyes_of_its_owner(tmp_path: Path) -> None:
    files = GroupFiles(tmp_path)
    (files.groups / NAME).mkdir(parents=True)
    (files.groups / NAME / "group.json").write_text(json.dumps(FORMER))
    (files.groups / NAME / "group.json").chmod(0o644)
    record = files.read(NAME)
    assert record is not None
    files.write(record)
    assert (files.groups / NAME / "group.json").stat().st_mode & 0o777 == 0o600, "its boot work may have secrets"
