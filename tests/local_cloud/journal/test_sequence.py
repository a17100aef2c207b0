"""A list in the journal behaves as a list, whatever of it is written already."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from local_cloud.journal.sequence import Kept, growing
from local_cloud.journal.store import Journal, Transaction


def write(journal: Journal, kept: Kept) -> None:
    """Write what waits, as the recorder does."""
    number, items = kept.waiting()
    journal.commit(Transaction(appended=[(kept.owner, number + at, json.dumps(item)) for at, item in enumerate(items)]))
    kept.were_written(len(items))


@given(batches=some.lists(some.lists(some.integers(), max_size=4), max_size=6), start=some.integers(-9, 9),
       stop=some.integers(-9, 9))  # fmt: skip
def test_it_is_a_list(batches: list[list[int]], start: int, stop: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        kept, plain = Kept(journal, journal.new_owner(), new=True), []
        for number, batch in enumerate(batches):
            kept.extend(batch)
            plain.extend(batch)
            if number % 2:
                write(journal, kept)
        assert (list(kept), len(kept), bool(kept)) == (plain, len(plain), bool(plain))
        assert kept[start:stop] == plain[start:stop]
        assert [kept[at] for at in range(-len(plain), len(plain))] == [*plain, *plain]
        journal.close()


def test_it_is_read_again_by_its_number(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    kept = Kept(journal, journal.new_owner(), waiting=[{"a": 1}], new=True)
    write(journal, kept)
    again = Kept(Journal(tmp_path), kept.owner)
    assert again[-1] == {"a": 1}
    with pytest.raises(IndexError):
        again[1]


def test_what_grows_is_known_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    growing.take()
    kept = Kept(journal, journal.new_owner(), new=True)
    kept.append(1)
    kept.append(2)
    assert (growing.take(), growing.take()) == ([kept], [])
