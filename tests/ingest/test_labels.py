"""Ingest of labels: whatever the columns are called, the newest label of an id counts, and nothing else is asked."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from trainyard.contract.sources import Column
from trainyard.contract.tabular.table import Table, truth
from trainyard.contract.truth import TABLE
from trainyard.reading.model import LocalFile
from trainyard.reading.read import read
from trainyard.run import recipe


def labels(folder: Path, name: str, *files: str, bad_share: float = 0.01):
    """The table that files of labels become, and what was said of them."""
    told = recipe.truth(name)
    assert told is not None
    local = []
    for place, text in enumerate(files):
        path = folder / f"{place}.csv"
        path.write_text(text, encoding="utf-8")
        local.append(LocalFile(name=path.name, path=path))
    found = read(local, [told.source], settings={}, max_bad_share=bad_share, scratch=folder)
    rows = [row for part in found.tables.get(TABLE, ()) for row in pq.read_table(part).to_pylist()]
    return rows, found.quality


def test_the_newest_label_of_an_id_counts_whichever_file_has_it(tmp_path):
    first = "visit_id,sold,date\n1,yes,2026-12-03\n2,no,2026-12-01\n"
    later = "visit_id;sold;date\n1;no;02.12.2026\n2;yes;03.12.2026\n"
    rows, quality = labels(tmp_path, "propensity", first, later)
    assert quality.ok, quality.problems
    assert {(str(each["id"]), each["label"]) for each in rows} == {("1", True), ("2", True)}
    assert "the latest by time stays" in "".join(quality.warnings)


def test_the_same_file_twice_changes_nothing(tmp_path):
    text = "customer_id,churn\na,1\nb,0\n"
    rows, quality = labels(tmp_path, "propensity", text, text)
    assert quality.ok, quality.problems
    assert [(each["id"], each["label"], each["time"]) for each in rows] == [("a", True, None), ("b", False, None)]


def test_every_film_that_a_user_chose_is_one_label(tmp_path):
    rows, quality = labels(tmp_path, "two_tower", "user_id,movie_id\n7,1\n7,2\n7,2\n")
    assert quality.ok, quality.problems
    assert sorted((str(each["id"]), str(each["label"])) for each in rows) == [("7", "1"), ("7", "2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer_id,churn\na,maybe\n", "expected yes or no"),
        ("something,else\n1,2\n", "label"),
    ],
)
def test_what_are_no_labels_is_said_in_a_sentence(tmp_path, text, said):
    rows, quality = labels(tmp_path, "propensity", text)
    assert not rows or not quality.ok
    assert said in " ".join(quality.problems)


def test_outside_recipes_are_told_by_their_own_target(tmp_path):
    columns = tuple(Column(name=name, type="float64") for name in ("parcel", "weight", "minutes"))
    told = truth(Table(name="parcels", key="parcel", target="minutes", task="regression", columns=columns))
    assert (told.key, told.predicted, told.label) == ("parcel", ("minutes_predicted",), "float64")
    path = tmp_path / "x.csv"
    path.write_text("parcel,minutes\n1,2.5\n", encoding="utf-8")
    local = LocalFile(name="x.csv", path=path)
    found = read([local], [told.source], settings={}, max_bad_share=0.0, scratch=tmp_path)
    assert found.quality.ok, found.quality.problems
