"""What an engine loads: the SQL of its own database, that of others where somebody asks for it, and no Arrow."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import ibis
import pytest
from ibis.common.exceptions import TableNotFound

from trainyard.glue.lean_ibis import over_duckdb

LOADS = """
import sys
import duckdb
from trainyard.glue.lean_ibis import COMPILERS, over_duckdb

over_duckdb(duckdb.connect())
names = sorted(each.rpartition(".")[2] for each in sys.modules if each.startswith(f"{COMPILERS}."))
print([each for each in names if not each.startswith("_")])
import ibis.backends.sql.compilers as compilers
print(compilers.TrinoCompiler.__name__, hasattr(compilers, "nothing"))
"""


def test_an_engine_loads_the_sql_of_its_own_database_only():
    loaded, asked = subprocess.run(
        [sys.executable, "-c", LOADS], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert loaded == "['base', 'duckdb']"
    assert asked == "TrinoCompiler False"


JUDGES = """
import sys
from pathlib import Path
import trainyard.stages.prepare
from recipes.prod2vec.config import CONFIG
from trainyard.glue import engine
from trainyard.run import recipe

folder = Path(sys.argv[1])
running = engine.start("duckdb", folder)
lines, other = folder / "lines.parquet", folder / "other"
running.connection.con.execute(
    "COPY (SELECT i // 3 AS order_id, i % 7 AS product_id, i % 3 AS add_to_cart_order FROM range(900) AS t(i)) "
    f"TO '{lines}'"
)
tables = {"order_products": running.read([str(lines)])}
prepare = recipe.module("prod2vec", "prepare")
print(prepare.check(tables, CONFIG).ok)
print({name: running.write(table, str(other / name)) > 0 for name, table in prepare.prepare(tables, CONFIG).items()})
print(sorted({"pandas", "pyarrow", "numpy", "scipy", "sklearn", "matplotlib"} & set(sys.modules)))
"""


def test_orders_are_judged_and_prepared_without_arrow_numpy_and_pandas(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", JUDGES, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said == ["True", "{'baskets': True, 'vocabulary': True, 'catalogue': True}", "[]"]


@pytest.mark.parametrize("kind", ["BIGINT", "VARCHAR[]", "DECIMAL(38, 0)", "TIMESTAMP", "STRUCT(a INTEGER, b VARCHAR)"])
def test_columns_are_described_as_ibis_describes_them(kind):
    lean, ibis_own = over_duckdb(duckdb.connect()), ibis.duckdb.connect()
    for connection in (lean, ibis_own):
        connection.con.execute(f'CREATE TABLE "a table" (x {kind}, "y z" {kind} NOT NULL)')
    assert lean.table("a table").schema() == ibis_own.table("a table").schema()
    with pytest.raises(TableNotFound):
        lean.table("none")
