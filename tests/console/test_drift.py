"""Two runs beside each other: which columns of their data moved."""

from __future__ import annotations

import json

from tests.console.conftest import Console
from tests.console.test_pages import put_run

RUNS = ("20261120-120000-aaaaaaaa", "20261120-130000-bbbbbbbb")


def test_columns_that_moved_are_named_with_hostile_values_escaped(console: Console) -> None:
    for run_id, values in zip(RUNS, ({"fruit": 1.0}, {"fruit": 0.5, "<script>alert(1)</script>": 0.5}), strict=True):
        put_run(console, run_id, epochs=5, value=0.3)
        column = {"kind": "category", "missing": 0.0, "rows": 2000, "top": values, "complete": True}
        tables = {"products": {"rows": 2000, "sampled": 2000, "columns": {"aisle": column}}}
        console.put_object(f"prod2vec/{run_id}/ingest/profile.json", json.dumps({"version": 1, "tables": tables}))
    said = console.get(f"/compare?run=prod2vec/{RUNS[0]}&run=prod2vec/{RUNS[1]}").body.decode()
    assert f"Columns of {RUNS[1]} that moved from {RUNS[0]}" in said
    assert "fruit 100.0% -&gt; 50.0%" in said
    assert "<script>alert(1)" not in said
