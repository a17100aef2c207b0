"""What tells held-out visits apart in the report: their segments; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from recipes.propensity.config import Config
from recipes.propensity.features import NOT_FEATURES
from recipes.propensity.training_data import VISITS_FILE
from trainyard.contract.tabular.segments import segments


def slices(holdout: Path, *, config: Config) -> Mapping[str, np.ndarray]:
    """By what examples are told apart, a value for each, in the order of `Evaluation.examples`."""
    visits = pd.read_parquet(holdout / VISITS_FILE)
    return segments(visits, [name for name in visits.columns if name not in NOT_FEATURES])
