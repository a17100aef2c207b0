"""What tells held-out orders apart in the report: the length of the basket; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recipes.prod2vec.config import Config
from recipes.prod2vec.features import Queries


def slices(holdout: Path, *, config: Config) -> Mapping[str, np.ndarray]:
    """By what examples are told apart, a value for each, in the order of `Evaluation.examples`."""
    return {"products in the basket before": Queries.load(holdout).contexts.lengths}
