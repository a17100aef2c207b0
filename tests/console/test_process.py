"""The console as a process of its own: found, used again, stopped, and up before anything is deployed."""

from __future__ import annotations

import http.client
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import leave_this_machine
from trainyard.cli.command import console_of
from trainyard.console import background
from trainyard.console.note import Note, Running
from trainyard.errors import TrainyardError


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Note]:
    """The note of a console whose local cloud is down."""
    leave_this_machine(monkeypatch, tmp_path)
    found = console_of.note(env="dev", aws=False)
    yield found
    background.stop(found)


def get(running: Running) -> tuple[int, str]:
    """The first page, for who has the token."""
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)) as connection:
        connection.request("GET", "/", headers={"cookie": f"trainyard-{running.port}={running.token}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_one_console_serves_until_it_is_stopped(note: Note):
    first = console_of.started(env="dev", aws=False)
    status, page = get(first)
    assert status == 404
    assert "The local cloud is down: start it with `trainyard up`" in page

    assert console_of.started(env="dev", aws=False) == first
    assert stat.S_IMODE(note.path.stat().st_mode) == stat.S_IMODE(note.log.stat().st_mode) == 0o600

    assert background.stop(note)
    assert note.running() is None
    assert not background.stop(note)
    # Links that people have go on.
    again = console_of.started(env="dev", aws=False)
    assert again.token == first.token
    assert again.process_id != first.process_id


def test_a_console_that_does_not_start_says_why(tmp_path: Path):
    note = Note(tmp_path / "console-dev.json")
    with pytest.raises(TrainyardError, match="found: no such thing"):
        background.start(["sh", "-c", "echo no such thing >&2; exit 3"], note=note)
    assert note.running() is None


def test_a_note_that_cannot_be_read_gives_a_new_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    note = Note(tmp_path / "console-dev.json")
    note.path.write_text("{")
    assert note.last() is None
    assert "cannot be read" in capsys.readouterr().err


def test_only_one_holds_the_note(tmp_path: Path):
    note = Note(tmp_path / "console-dev.json")
    with note.held():
        note.write(Running(port=4600, token="secret", process_id=1))
        with pytest.raises(TrainyardError, match="found one at http") as refused, note.held():
            pass
    assert "secret" not in str(refused.value)
    assert note.running() is None
