"""A table is told apart by columns of few values first; numbers stay numbers, and what is missing has a place."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainyard.contract.tabular.segments import SHOWN_COLUMNS, segments


def test_columns_of_few_values_come_first_and_what_tells_nothing_apart_is_left_out() -> None:
    rows = pd.DataFrame(
        {
            "amount": np.linspace(0, 1, 40),
            "plan": ["a", "b"] * 20,
            "name": [f"n{each}" for each in range(40)],
            "always": ["x"] * 40,
            "rare": ["x"] * 39 + ["y"],
            "children": [0.0, 1.0, np.nan, 2.0] * 10,
            "member": [True, False] * 20,
        }
    )
    found = segments(rows, list(rows.columns))
    assert list(found) == ["plan", "children", "member"]
    assert len(found) == SHOWN_COLUMNS
    assert np.isnan(found["children"]).sum() == 10
    assert set(found["member"]) == {"True", "False"}
    assert list(segments(rows, ["amount", "name"])) == ["amount"]


def test_a_missing_text_is_a_segment_of_its_own() -> None:
    rows = pd.DataFrame({"plan": ["a", None] * 10})
    assert set(segments(rows, ["plan"])["plan"]) == {"a", ""}
