"""What an engine loads of Ibis: the SQL of its own database, and that of others where somebody asks for it."""

from __future__ import annotations

import subprocess
import sys

LOADS = """
import sys
from trainyard.glue.lean_ibis import COMPILERS, backend

backend("duckdb").connect()
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
