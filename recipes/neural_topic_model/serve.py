"""Answers requests with the topics of a review; runs in the training image, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recipes.neural_topic_model.topics import TopicModel
from trainyard.errors import BadRequest

NAMING_WORDS = 3
DEFAULT_COUNT, MAX_COUNT = 3, 50
MAX_LETTERS = 100_000


class Predictor:
    """Topics of raw text, read exactly as training read it."""

    def __init__(self, model: TopicModel) -> None:
        self._model = model
        self._names = [" ".join(words) for words in model.top_words(NAMING_WORDS)]
        self._words = model.top_words(10)

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """For each `{"text": ..., "title": ..., "count": 3}` (text required) its strongest topics, the strongest first.

        Answers `{"topics": [{"topic", "name", "share", "words"}], "known_words": n}`; with no known word there are no
        topics. Raises BadRequest for a row that is not of this form.
        """
        asked = [_request(row, place) for place, row in enumerate(rows)]
        bags = self._model.bags([self._model.vocabulary.reader.lemmas(text) for text, _ in asked])
        shares = self._model.shares_of(bags)
        lengths = np.diff(bags.offsets)
        return [
            {"topics": self._strongest(shares[row], count) if lengths[row] else [], "known_words": int(lengths[row])}
            for row, (_, count) in enumerate(asked)
        ]

    def _strongest(self, shares: np.ndarray, count: int) -> list[dict[str, Any]]:
        return [
            {
                "topic": int(topic),
                "name": self._names[topic],
                "share": float(shares[topic]),
                "words": self._words[topic],
            }
            for topic in np.argsort(-shares, kind="stable")[:count]
        ]


def load(model_dir: Path) -> Predictor:
    """The predictor of the model in this folder."""
    return Predictor(TopicModel.load(model_dir))


def _request(row: Mapping[str, Any], place: int) -> tuple[str, int]:
    if not isinstance(row, Mapping) or not isinstance(row.get("text"), str):
        raise BadRequest(f"Row {place}: expected an object with the text of a review under `text`, found {row!r:.80}.")
    title, text, count = row.get("title") or "", row["text"], row.get("count", DEFAULT_COUNT)
    if not isinstance(title, str):
        raise BadRequest(f"Row {place}: expected text under `title`, found {title!r:.80}.")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise BadRequest(
            f"Row {place}: expected a whole number from 1 to {MAX_COUNT} under `count`, found {count!r:.80}."
        )
    if len(text) + len(title) > MAX_LETTERS:
        raise BadRequest(f"Row {place}: expected at most {MAX_LETTERS:,} letters, found {len(text) + len(title):,}.")
    return f"{title}. {text}", count
