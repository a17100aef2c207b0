"""Tables are read in a process of its own where a program says so, with the same answers and errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainyard.client.run import apart
from trainyard.console import server
from trainyard.console.note import Note
from trainyard.console.site import Site
from trainyard.errors import BadRequest, ConfigError, TrainyardError

# What the console calls to show a table, its columns, and how two runs differ.
READS = """
import sys
from pathlib import Path
from trainyard.client.run import apart, data_profile, pairing, previews
apart.from_now_on()
content = Path(sys.argv[1]).read_bytes()
shown = apart.called(previews._read, content, path="a.parquet")
assert shown.rows[1] == ["1", "0.25"], shown
footer = content[-(int.from_bytes(content[-8:-4], "little") + 8):]
(profile,) = apart.called(data_profile._profiles, {"a": {"a.parquet": footer}})
assert profile.rows == 2 and profile.columns[1].highest == "0.25", profile
count, difference = apart.called(pairing._difference, content, content, recipe="prod2vec", metric="hit_rate_at_10")
assert (count, difference.value) == (2, 0.0)
print([each for each in ("numpy", "pandas", "pyarrow", "duckdb") if each in sys.modules])
"""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This program asks for processes, until the test ends."""
    monkeypatch.setattr(apart, "_apart", True)


def refuse(error: type[TrainyardError], said: str) -> None:
    raise error([said]) if error is ConfigError else error(said)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_another_process_answers_where_that_is_asked_for(elsewhere: None) -> None:
    assert apart.called(os.getpid) != os.getpid()


def test_without_it_this_process_answers() -> None:
    assert apart.called(os.getpid) == os.getpid()


@pytest.mark.parametrize(("error", "raised"), [(BadRequest, BadRequest), (ConfigError, TrainyardError)])
def test_what_it_raises_is_raised_here(
    elsewhere: None, error: type[TrainyardError], raised: type[TrainyardError]
) -> None:
    with pytest.raises(raised, match=r"^expected a table$"):
        apart.called(refuse, error, "expected a table")


def test_a_process_that_ends_before_it_answers_is_an_error(elsewhere: None) -> None:
    with pytest.raises(TrainyardError, match="in a process of its own, found: -9"):
        apart.called(die)


def test_what_shows_tables_loads_nothing_that_reads_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"example": [0, 1], "score_0": [0.125, 0.25]}), tmp_path / "a.parquet")
    done = subprocess.run([sys.executable, "-c", READS, tmp_path / "a.parquet"], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_console_asks_for_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(apart, "_apart", False)

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "server_of", ended)
    site = Site(find=lambda: pytest.fail("nobody asks"), label="dev")
    with pytest.raises(KeyboardInterrupt):
        server.serve(site, note=Note(tmp_path / "console-dev.json"), port=None, ready=lambda _: None)
    assert apart._apart
