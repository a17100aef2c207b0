"""What lies beside a recipe's tables: files of other kinds, tables that nobody reads, archives of several files."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

from tests.reading.reads import THINGS, reading, rows
from trainyard.contract.sources import Column, FileSettings

LABELS = replace(THINGS, name="labels", files=("labels",), required=False)
DATA = b"id,name,price\n1,a,2\n2,b,3\n"
BYTES = bytes(range(256)) * 40


def test_a_file_that_cannot_be_read_refuses_nothing_where_all_tables_are_there(tmp_path):
    found = reading(tmp_path, {"things.csv": DATA, "old.dat": BYTES}, THINGS)
    assert len(rows(found)) == 2
    assert any(each.startswith("old.dat: expected CSV") for each in found.quality.notes)


def test_it_is_the_problem_where_a_table_is_missing(tmp_path):
    found = reading(tmp_path, {"old.dat": BYTES}, THINGS)
    assert [each.partition(":")[0] for each in found.quality.problems] == ["old.dat"]


def test_a_table_that_need_not_be_there_is_left_out_where_it_has_other_columns(tmp_path):
    found = reading(tmp_path, {"things.csv": DATA, "labels.csv": b"tag,count\nx,1\ny,2\n"}, THINGS, LABELS)
    assert set(found.tables) == {"things"}
    assert [each.partition(" was not read")[0] for each in found.quality.warnings] == ["labels.csv"]


def test_but_not_where_people_say_that_it_is_the_table(tmp_path):
    files = {"things.csv": DATA, "labels.csv": b"tag,count\nx,1\ny,2\n"}
    found = reading(tmp_path, files, THINGS, LABELS, labels=FileSettings(file="labels.csv"))
    assert any("labels.csv: expected the columns" in each for each in found.quality.problems)


def test_settings_of_a_table_hold_for_its_file_in_an_archive(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export/stock.txt", "7|x|2,5\n8|y|3,5\n")
        archive.writestr("export/labels.csv", DATA)
    said = FileSettings(
        file="stock.txt", columns={"id": "1", "name": "2", "price": "3"}, delimiter="|", header=False, decimal=","
    )
    found = reading(tmp_path, {"export.zip": packed.getvalue()}, THINGS, LABELS, things=said)
    assert rows(found) == [(7, "x", 2.5), (8, "y", 3.5)]
    assert rows(found, "labels") == [(1, "a", 2.0), (2, "b", 3.0)]


def test_a_proposal_names_columns_that_hold_a_known_name(tmp_path):
    keyed = replace(THINGS, columns=(Column(name="key", type="id"), Column(name="item", type="id")), unique=())
    found = reading(tmp_path, {"till.csv": b"day,member,itemDescription\n1,2,x\n3,4,y\n"}, keyed)
    [problem] = found.quality.problems
    assert '"item": "itemDescription"' in problem


def test_a_file_that_became_a_table_nobody_needs_is_named_where_one_is_missing(tmp_path):
    needed = replace(THINGS, columns=(Column(name="order", type="id"), Column(name="id", type="int64")), unique=())
    found = reading(tmp_path, {"export.csv": DATA}, needed, replace(LABELS, files=("labels",)))
    assert "export.csv (id, name, price)" in " ".join(found.quality.problems)
