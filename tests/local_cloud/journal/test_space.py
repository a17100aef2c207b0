"""On a full disk what was begun is still written, changes are refused, and nothing needs a new start."""

from __future__ import annotations

import errno
import logging
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_cloud.jobs.records import Records
from local_cloud.journal import flows, space, touched
from local_cloud.journal.space import LEAST_FREE_BYTES, RESERVED_BYTES, Reserve
from local_cloud.journal.store import NoSpaceLeft


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A disk on which `free` bytes are left, besides the reserve."""
    found = SimpleNamespace(free=1 << 30)

    def allocate(descriptor: int, start: int, length: int) -> None:
        del descriptor, start
        if length > found.free:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", allocate, raising=False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=found.free, f_frsize=1))
    return found


def test_the_reserve_is_spent_once_and_changes_are_refused_until_it_is_there_again(
    tmp_path: Path, disk: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    reserve, tried = Reserve(tmp_path), []

    def write() -> None:
        tried.append((tmp_path / space.FILE).exists())
        if tried[-1]:
            raise NoSpaceLeft(errno.ENOSPC, "No space left")

    disk.free = 0
    reserve.spend(write)
    assert tried == [True, False]
    assert "No space left on the disk of" in str(reserve.refuses(1))
    assert reserve.refuses(1) is not None
    disk.free = RESERVED_BYTES + LEAST_FREE_BYTES
    assert reserve.refuses(1) is None
    assert [record.message.split(" in ")[0].split(" on ")[0] for record in caplog.records] == [
        "No space left",
        "There is space again",
    ]


def test_what_does_not_fit_is_refused_alone(tmp_path: Path, disk: SimpleNamespace) -> None:
    reserve = Reserve(tmp_path)
    disk.free = 2 * LEAST_FREE_BYTES
    assert "for 600,000 bytes" in str(reserve.refuses(600_000))
    assert reserve.refuses(1000) is None


def test_a_job_waits_for_space_and_its_record_is_written(
    tmp_path: Path, disk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.hold(tmp_path)
    write, failures = Path.write_text, [True, True]

    def sometimes(path: Path, *arguments: Any, **options: Any) -> int:
        if failures:
            failures.pop()
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", sometimes)
    Records(tmp_path / "jobs").put("job", {"Status": "InProgress"})
    assert Records(tmp_path / "jobs").get("job") == {"Status": "InProgress"}


def test_a_request_does_not_wait(tmp_path: Path, disk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    space.hold(tmp_path)
    records = Records(tmp_path / "jobs")
    monkeypatch.setattr(Path, "write_text", full)
    token = touched.begin(touched.Request())
    try:
        with pytest.raises(OSError, match="No space left"):
            records.put("job", {})
    finally:
        touched.end(token)


def test_an_execution_waits_for_the_journal_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    failures, written = [NoSpaceLeft(errno.ENOSPC, "full")] * 2, []

    def write(changes: Any) -> None:
        if failures:
            raise failures.pop()
        written.append(changes)

    monkeypatch.setattr(flows, "journal", SimpleNamespace(current=lambda: SimpleNamespace(write=write)))

    def execution() -> None:
        flows.begin(ended=lambda: False)
        flows.settle()

    thread = threading.Thread(target=execution)
    thread.start()
    thread.join(timeout=30)
    assert written == [()]
