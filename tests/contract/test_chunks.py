"""Reading and writing tables in chunks: order, files, declared types, memory that does not grow."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainyard.contract import chunks
from trainyard.contract.config import ScoreColumn
from trainyard.errors import JobFailed
from trainyard.run import recipe

SCHEMA = chunks.schema([ScoreColumn(name="id", type="bigint"), ScoreColumn(name="best", type="array<double>")])


def numbered(start: int, rows: int) -> pa.Table:
    ids = list(range(start, start + rows))
    return pa.table({"best": [[each / 2] for each in ids], "id": ids})


def test_types_of_the_catalogue_become_arrow_types() -> None:
    assert chunks.arrow_type("bigint") == pa.int64()
    nested = chunks.arrow_type("array<struct<id:bigint,parts:array<struct<name:string,ok:boolean>>,share:double>>")
    assert [field.name for field in nested.value_type] == ["id", "parts", "share"]
    assert nested.value_type.field("parts").type.value_type.field("ok").type == pa.bool_()


@pytest.mark.parametrize("declared", ["", "integer", "array<double", "array", "map<string,int>", "struct<id>"])
def test_other_types_are_refused(declared: str) -> None:
    with pytest.raises(ValueError, match="expected bigint"):
        chunks.arrow_type(declared)


@pytest.mark.parametrize("name", recipe.names())
def test_every_recipe_declares_columns_that_a_query_need_not_quote(name: str) -> None:
    columns = recipe.score_columns(name)
    names = [each.name for each in columns]
    assert len(chunks.schema(columns)) == len(set(names)) > 1
    assert all(each.islower() and each.isidentifier() for each in names)
    assert not {"model", "run", "row", "order", "group"} & set(names)


def test_chunks_keep_the_order_of_files_and_rows(tmp_path) -> None:
    for part, start in ((0, 0), (1, 70), (10, 140)):
        pq.write_table(numbered(start, 70), tmp_path / f"part-{part:05d}.parquet", row_group_size=40)
    found = list(chunks.read(tmp_path, ("id",), rows=32))
    assert max(each.num_rows for each in found) == 32
    assert [row for each in found for row in each["id"].to_pylist()] == list(range(210))
    assert chunks.count(tmp_path) == 210


def test_a_table_that_ingest_did_not_write_is_named(tmp_path) -> None:
    with pytest.raises(JobFailed, match="table reviews"):
        chunks.count(tmp_path / "reviews")


def test_files_hold_whole_chunks_and_are_the_same_again(tmp_path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    for folder in (first, again):
        folder.mkdir()
        tables = (numbered(start, 30) for start in range(0, 150, 30))
        done = chunks.write(tables, folder, schema=SCHEMA, rows_per_file=50)
        assert (done.rows, done.files) == (150, 3)
    names = [path.name for path in chunks.parts(first)]
    assert names == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    assert [pq.read_metadata(path).num_rows for path in chunks.parts(first)] == [60, 60, 30]
    assert [path.read_bytes() for path in chunks.parts(first)] == [path.read_bytes() for path in chunks.parts(again)]
    assert pq.read_schema(first / names[0]).equals(SCHEMA)
    assert done.bytes == sum(path.stat().st_size for path in again.iterdir())


@pytest.mark.parametrize("table", [pa.table({"id": [1]}), pa.table({"id": ["x"], "best": [[1.0]]})])
def test_columns_that_are_not_as_declared_are_refused(tmp_path, table: pa.Table) -> None:
    with pytest.raises(JobFailed, match="Expected the scored columns id"):
        chunks.write([table], tmp_path, schema=SCHEMA)
