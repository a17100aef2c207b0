"""What tells held-out rows of a tabular recipe apart in the report: their segments; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.segments import segments


def slices(holdout: Path, *, config: TabularConfig) -> Mapping[str, np.ndarray]:
    """By what examples are told apart, a value for each, in the order of `Evaluation.examples`."""
    rows = pd.read_parquet(holdout)
    return segments(rows, [each.name for each in config.table.features if each.name in rows])
