"""Columns that no file has and that a table omits, instead of nulls: in parts, repeats and on an engine."""

from __future__ import annotations

import dataclasses

from tests.reading.reads import columns, csv, reading, rows
from trainyard.contract.sources import Column, Source
from trainyard.glue import engine

ORDERS = Source(
    name="orders",
    files=("orders",),
    columns=(
        Column(name="order", type="id"),
        Column(name="place", type="int64", required=False, nullable=True, place=True),
        Column(name="amount", type="int64", required=False, nullable=True, omit_absent=True),
        Column(name="note", type="string", required=False, nullable=True, omit_absent=True),
        Column(name="code", type="string", required=False, nullable=True),
    ),
)


def test_a_column_that_no_file_has_is_no_column_of_the_table(tmp_path):
    found = reading(tmp_path, {"orders.csv": csv("order,amount", ["7,1", "8,2"])}, ORDERS)
    assert [*columns(found, "orders")] == ["order", "place", "amount", "code"]
    assert rows(found, "orders") == [(7, 1, 1, None), (8, 2, 2, None)]


def test_also_where_every_row_is_asked(tmp_path):
    found = reading(tmp_path, {"orders.csv": csv("order,amount", ["7,1", "8,x", "9,3"])}, ORDERS, share=0.5)
    assert rows(found, "orders") == [(7, 1, 1, None), (9, 3, 3, None)]


def test_parts_that_lack_it_have_nulls_where_an_engine_reads_them_together(tmp_path):
    files = {"orders-1.csv": csv("order", ["7"]), "orders-2.csv": csv("order,note", ["8,late"])}
    found = reading(tmp_path, files, ORDERS)
    running = engine.start("duckdb", tmp_path)
    table = running.read([str(each) for each in found.tables["orders"]])
    assert table.select("order", "note").to_pyarrow().to_pylist() == [
        {"order": 7, "note": None},
        {"order": 8, "note": "late"},
    ]
    running.close()


def test_repeats_in_parts_of_other_columns_are_added_up(tmp_path):
    source = dataclasses.replace(ORDERS, unique=("order",), repeats="sum")
    files = {"orders-1.csv": csv("order,note", ["7,a", "8,b"]), "orders-2.csv": csv("order", ["7", "9"])}
    found = reading(tmp_path, files, source)
    running = engine.start("duckdb", tmp_path)
    table = running.read([str(each) for each in found.tables["orders"]]).select("order", "note").order_by("order")
    assert [(row["order"], row["note"]) for row in table.to_pyarrow().to_pylist()] == [(7, "a"), (8, "b"), (9, None)]
    running.close()
