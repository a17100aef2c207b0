"""What tells held-out users apart in the report: how much they have rated before; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recipes.two_tower.config import Config
from recipes.two_tower.evaluate import NEGATIVE_MSE, Holdout


def slices(holdout: Path, *, config: Config) -> Mapping[str, np.ndarray]:
    """By what examples are told apart, a value for each, in the order of `Evaluation.examples`."""
    data = Holdout.load(holdout)
    asked = data.held_out if config.gate.primary == NEGATIVE_MSE else data.relevant
    before = data.histories.of_users(asked.users).lengths
    kind = "ratings of the user before" if data.scale.rated else "movies of the user before"
    return {kind: before[asked.user_rows] if config.gate.primary == NEGATIVE_MSE else before}
