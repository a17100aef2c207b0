"""What tells held-out reviews apart in the report: their length; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.documents.corpus import HOLDOUT_CORPUS_FILE, load_lemmas


def slices(holdout: Path, *, config: Config) -> Mapping[str, np.ndarray]:
    """By what examples are told apart, a value for each, in the order of `Evaluation.examples`."""
    return {"lemmas in the text": np.asarray([len(each) for each in load_lemmas(holdout / HOLDOUT_CORPUS_FILE)])}
