"""The names of folders are columns where a table's parts lie in folders such as `year=2024/month=01`."""

from __future__ import annotations

import duckdb
import pytest

from tests.reading.reads import csv, reading, rows
from trainyard.contract.sources import Column, Source
from trainyard.reading.partitions import folders

SALES = Source(
    name="sales",
    files=("sales",),
    columns=(Column(name="amount", type="float64"), Column(name="year", type="int64", required=False)),
    other_columns=True,
)


def part(*amounts: int) -> bytes:
    return csv("amount", map(str, amounts))


def test_folders_are_columns_of_a_table_whether_it_declares_them_or_not(tmp_path):
    files = {
        "sales/year=2023/month=01/shop=North%20Sea/part-0.csv": part(1, 2),
        "sales/year=2024/month=12/shop=__HIVE_DEFAULT_PARTITION__/part-0.csv": part(3),
    }
    found = reading(tmp_path, files, SALES)
    assert rows(found, "sales") == [
        (1.0, 2023, "01", "North Sea"),
        (2.0, 2023, "01", "North Sea"),
        (3.0, 2024, "12", None),
    ]
    assert any("read as year, month, shop from the names of its folders" in each for each in found.quality.notes)


def test_a_column_of_the_file_itself_counts_and_so_does_the_inner_folder(tmp_path):
    data = csv("amount,year", ["1,1999"])
    assert rows(reading(tmp_path, {"sales/year=2023/a=1/a=2/part.csv": data}, SALES), "sales") == [(1.0, 1999, 2)]


def test_typed_files_and_rows_of_delimiters_only_have_them_too(tmp_path):
    duckdb.sql(f"COPY (SELECT 5.5 AS amount, 'z' AS x) TO '{tmp_path / 'part.parquet'}'")
    files = {
        "sales/year=2023/part.parquet": (tmp_path / "part.parquet").read_bytes(),
        "sales/year=2024/part.csv": csv("amount,x", ["7,a", ",", "8,b"]),
    }
    found = reading(tmp_path, files, SALES)
    assert [(amount, year) for amount, year, *_ in rows(found, "sales")] == [(5.5, 2023), (7.0, 2024), (8.0, 2024)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("year=2024.csv", {}),
        ("a/b/part.csv", {}),
        ("=1/part.csv", {}),
        ("data.zip: year=2024/part.csv", {"year": "2024"}),
        ("data.zip: ml/a=b=c/part.csv", {"a": "b=c"}),
    ],
)
def test_only_folders_that_name_a_value_are_columns(name, said):
    assert folders(name) == said
