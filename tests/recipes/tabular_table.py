"""A table as people have them, for tests of tabular recipes: keys, dates, categories, gaps, and a planted answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

TARGETS = {"churned": "classification", "segment": "classification", "revenue": "regression"}


def write(path: Path, target: str, *, rows: int = 900, seed: int = 0) -> pd.DataFrame:
    """Write customers with a column `target`, which depends on plan and age, and return them."""
    random = np.random.default_rng(seed)
    plan, age = random.choice(["basic", "plus", "pro"], rows), random.integers(18, 90, rows).astype(float)
    sums = 2.0 * (plan == "basic") - 0.06 * (age - 50) + random.normal(0, 0.7, rows)
    days = pd.to_timedelta(random.integers(0, 1000, rows), unit="D")
    values = {
        "churned": np.where(sums > 0.7, "yes", "no"),
        "segment": np.where(sums > 1.5, "gold", np.where(sums > -0.5, "silver", "tin")),
        "revenue": (100 + 20 * sums).round(2),
    }
    table = pd.DataFrame(
        {
            "customer_id": [f"C{number:05d}" for number in range(rows)],
            "plan": plan,
            "age": age,
            "monthly spend": random.gamma(2, 30, rows).round(2),
            "since": (pd.Timestamp("2023-01-01") + days).date,
            "active": random.choice(["yes", "no"], rows),
            "country": "DE",
            "note": [f"called about matter {number}" for number in range(rows)],
            target: values[target],
        }
    )
    table.loc[random.random(rows) < 0.1, "age"] = np.nan
    table.loc[random.random(rows) < 0.1, "plan"] = None
    table.to_csv(path, index=False)
    return table
