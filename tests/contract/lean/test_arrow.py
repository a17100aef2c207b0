"""pyarrow does without pandas until somebody imports it, and then knows what it is given."""

import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import pyarrow.parquet as pq
from trainyard.contract.lean.arrow import numbers, pa, read_table, text_array
table = pa.table({"a": np.arange(3), "t": text_array(["", "ü", "z"])})
pq.write_table(table, "t.parquet")
found = read_table(Path("t.parquet"), ["a"])
print(found.column_names, numbers(found["a"]).sum(), table["t"].to_pylist(), "pandas" in sys.modules)
import pandas as pd
texts = pd.Series(["a", None], dtype=object)
print(pa.array(texts).null_count, pa.array(pd.Series([1.0, None])).null_count, pa.table({"a": texts})["a"].null_count)
print(pa.array(pd.Categorical(["a", "b"])).type.value_type, table.to_pandas().shape)
"""
EARLIER = """
import pandas as pd
from trainyard.contract.lean.arrow import pa
print(pa.array(pd.Series(["a", None])).null_count)
"""


def test_pandas_is_left_out_until_somebody_imports_it(tmp_path):
    assert _printed(PROGRAM, tmp_path) == ["['a'] 3 ['', 'ü', 'z'] False", "1 1 1", "large_string (3, 2)"]


def test_pandas_that_was_there_before_is_known(tmp_path):
    assert _printed(EARLIER, tmp_path) == ["1"]


def _printed(program, folder):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout.splitlines()
