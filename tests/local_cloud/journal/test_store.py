"""The journal's file: what is written is there for the next process, all of it or none, and a full disk is told."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from local_cloud.journal.store import FILE, Journal, JournalDamaged, NoSpaceLeft, Transaction


def test_rows_come_back_in_the_order_in_which_they_were_first_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write([("kind", "b", "1"), ("kind", "a", "2"), ("other", "a", "3")])
    journal.write([("kind", "b", "changed")])
    assert list(Journal(tmp_path).read("kind")) == [("b", "changed"), ("a", "2")]
    assert set(journal.kinds()) == {"kind", "other"}


def test_rows_and_kinds_are_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write([("kind", "a", "1"), ("kind", "b", "2"), ("gone", "a", "3")])
    journal.write([("kind", "a", None)])
    journal.commit(Transaction(kinds=["gone"], entries=[("gone", "new", "4")]))
    assert (list(journal.read("kind")), list(journal.read("gone"))) == ([("b", "2")], [("new", "4")])


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(sqlite3.Error):
        journal.commit(Transaction(entries=[("kind", "a", "1"), ("kind", "b", object())]))  # type: ignore[list-item]
    journal.write([("kind", "c", "2")])
    assert list(journal.read("kind")) == [("c", "2")]


def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    pages = journal._writer.execute("PRAGMA page_count").fetchone()[0]
    journal._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(NoSpaceLeft, match="No space left"):
        journal.write([("kind", str(number), "x" * 4000) for number in range(20)])
    assert list(journal.read("kind")) == []
    journal._writer.execute("PRAGMA max_page_count = 100000")
    journal.write([("kind", "a", "1")])
    assert list(journal.read("kind")) == [("a", "1")]


def test_a_list_grows_and_a_list_that_nobody_names_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    first, second = journal.new_owner(), journal.new_owner()
    journal.commit(Transaction(appended=[(first, 0, "a"), (first, 1, "b"), (second, 0, "c")]))
    journal.close()
    journal = Journal(tmp_path)
    assert (journal.length(first), journal.items(first, start=1, stop=9)) == (2, ["b"])
    assert journal.new_owner() > second
    journal.named(second)
    journal.forget_unnamed()
    assert (journal.length(first), journal.length(second)) == (0, 1)


def test_a_number_that_a_row_names_is_given_to_no_other_list(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.named(41)
    assert journal.new_owner() == 42


def test_a_damaged_file_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no database " * 1000)
    with pytest.raises(JournalDamaged, match=r"Expected the local cloud's journal in .*, found a damaged file"):
        Journal(tmp_path)
