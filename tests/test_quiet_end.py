"""The suite ends without reports of leaks: what a test has in its parameters is gone before Python ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TABLE_AS_PARAMETER = """
import duckdb
import pytest

@pytest.mark.parametrize("table", [duckdb.connect().sql("select 1")])
def test_reads(table):
    assert table.fetchall() == [(1,)]
"""
PROPERTY = """
from hypothesis import given
from hypothesis import strategies as some

@given(some.integers())
def test_holds(number):
    assert number == number
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_tables_beside_properties_are_no_leaks(tmp_path: Path, workers: int) -> None:
    (tmp_path / "test_table.py").write_text(TABLE_AS_PARAMETER)
    (tmp_path / "test_property.py").write_text(PROPERTY)
    options = ["-q", "-n", str(workers), "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert "2 passed" in done.stdout
    assert "leaked" not in done.stdout + done.stderr
