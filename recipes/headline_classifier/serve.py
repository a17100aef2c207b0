"""Answers requests for the class of a headline, raw text in; runs in the training image, numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.headline_classifier.config import CLASS_NAMES
from recipes.headline_classifier.network import Classifier
from trainyard.errors import BadRequest

MAX_CHARACTERS = 10_000


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """The classifier of a model."""

    classifier: Classifier

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One answer per row `{"title": "Fed raises rates"}`: category, its name, and the probability of each class.

        Raises BadRequest, before anything is computed, for a row of another form.
        """
        titles = [_title(row, number) for number, row in enumerate(rows)]
        return [self._answer(each) for each in self.classifier.probabilities(titles)] if titles else []

    def _answer(self, probabilities: np.ndarray) -> dict[str, Any]:
        classes = self.classifier.features.classes
        best = classes[int(probabilities.argmax())]
        return {
            "category": best,
            "name": CLASS_NAMES[best],
            "probabilities": dict(zip(classes, probabilities.tolist(), strict=True)),
        }


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    return Predictor(classifier=Classifier.load(model_dir))


def _title(row: Any, number: int) -> str:
    if not isinstance(row, Mapping) or set(row) != {"title"} or not isinstance(row["title"], str):
        raise BadRequest(f'Row {number}: expected an object with only "title", a text; found {row!r:.100}.')
    title: str = row["title"]
    if not title.strip() or len(title) > MAX_CHARACTERS:
        raise BadRequest(
            f"Row {number}: expected a title of 1 to {MAX_CHARACTERS:,} characters that are not all spaces, "
            f"found {len(title):,} characters."
        )
    return title
