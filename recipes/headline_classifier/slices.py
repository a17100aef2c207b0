"""What tells held-out headlines apart in the report: their length; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recipes.headline_classifier.config import Config
from recipes.headline_classifier.predictions import HEADLINES_FILE


def slices(holdout: Path, *, config: Config) -> Mapping[str, np.ndarray]:
    """By what examples are told apart, a value for each, in the order of `Evaluation.examples`."""
    titles = pq.read_table(holdout / HEADLINES_FILE, columns=["title"])["title"].to_pylist()
    return {"words in the headline": np.asarray([len(each.split()) for each in titles])}
