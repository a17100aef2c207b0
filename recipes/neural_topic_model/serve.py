"""Answers requests with the topics of a review; runs in the training image, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.neural_topic_model.inference import ROWS_PER_BLOCK, TopicModel
from recipes.neural_topic_model.one_review import OneReview
from recipes.neural_topic_model.requests import NoFields, Review, Topic, TopicMixture, TopicShare
from trainyard.contract.request_rows import checked
from trainyard.contract.routes import INVOCATIONS, Route

SHOWN_WORDS = 10
# Reviews of a request up to which each is worked on for itself.
FEW = 4


class Predictor:
    """Topics of raw text, which is lemmatized exactly as in training."""

    def __init__(self, model: TopicModel) -> None:
        self._model = model
        self._single = OneReview.of(model)
        self._names = model.topic_names()
        self._words = model.top_words(SHOWN_WORDS)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[TopicMixture]:
        """For each `{"text": ..., "title": ..., "count": 3}` (text required) its strongest topics, the strongest first.

        Answers `{"topics": [{"topic", "name", "share", "words"}], "known_words": n}`; with no known word there are no
        topics. Raises BadRow for a row that is not of this form.
        """
        asked = checked(Review, rows)
        texts = [f"{each.title or ''}. {each.text}" for each in asked]
        found = [self._single.topic_shares(each) for each in texts] if len(texts) <= FEW else self._of_many(texts)
        return [
            {"topics": self._strongest(shares, each.count) if known else [], "known_words": known}
            for each, (shares, known) in zip(asked, found, strict=True)
        ]

    def _of_many(self, texts: Sequence[str]) -> list[tuple[list[float], int]]:
        """The share of each topic in each text, and how many different words of it the model knows."""
        vocabulary = self._model.vocabulary
        found: list[tuple[list[float], int]] = []
        for start in range(0, len(texts), ROWS_PER_BLOCK):
            counts = vocabulary.counts(
                [vocabulary.lemmatizer.lemmas(each) for each in texts[start : start + ROWS_PER_BLOCK]]
            )
            known = np.count_nonzero(counts, axis=1)
            found += zip(self._model.topic_shares(counts).tolist(), known.tolist(), strict=True)
        return found

    def topics(self, rows: Sequence[Mapping[str, Any]]) -> list[list[Topic]]:
        """All topics of the model, for each row without fields."""
        return [
            [{"topic": n, "name": self._names[n], "words": self._words[n]} for n in range(len(self._names))]
            for _ in checked(NoFields, rows)
        ]

    def examples(self) -> list[dict[str, Any]]:
        """Rows that this model can answer: one made of words it knows, and an ordinary one."""
        return [
            {"text": " ".join(self._words[0]), "count": 2},
            {"text": "A dark roast, rich and smooth.", "title": "Fine"},
        ]

    def routes(self) -> tuple[Route, ...]:
        """Topics of a text, and all topics."""
        of_review = Route(
            path="/topics",
            summary="The strongest topics of a text, with their words.",
            row=Review,
            response=TopicMixture,
            answer=self.predict,
            example=self.examples()[0],
        )
        all_topics = Route(
            path="/topics",
            method="GET",
            summary="All topics, with their words.",
            row=NoFields,
            response=list[Topic],
            answer=self.topics,
            example={},
        )
        return of_review.at(INVOCATIONS), of_review, all_topics

    def _strongest(self, shares: list[float], count: int) -> list[TopicShare]:
        order = sorted(range(len(shares)), key=shares.__getitem__, reverse=True)
        return [
            {"topic": topic, "name": self._names[topic], "share": shares[topic], "words": self._words[topic]}
            for topic in order[:count]
        ]


def load(model_dir: Path) -> Predictor:
    """The predictor of the model in this folder."""
    return Predictor(TopicModel.load(model_dir))
