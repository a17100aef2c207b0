"""What kept requests and answers say in the terms of the table and of scores; runs in the training image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.documents.bags_of_words import unknown_words
from recipes.neural_topic_model.inference import TopicModel
from trainyard.contract.captured import Captured, Columns, Rows
from trainyard.contract.config import WATCHED

A_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class CapturedReviews(Captured):
    """Reviews are compared as the columns of their names; of answers the strongest topic, and which words are unknown.

    Requests that only list the topics bring no text, and short reviews are like none that was learned from.
    """

    model: TopicModel
    min_words: int

    def answers(self, requests: Rows, answers: Rows) -> Columns:
        """Columns of `score.py`."""
        texts = [f"{row.get('title') or ''}. {row.get('text') or ''}" for row in requests]
        lemmas = [self.model.vocabulary.lemmatizer.lemmas(each) for each in texts]
        words = unknown_words(self.model.bags(lemmas), lemmas)
        strongest: list[dict[str, Any]] = [next(iter(each.get("topics") or ()), {}) for each in answers]
        return {
            "topic_name": [each.get("name") for each in strongest],
            "share": [each.get("share") for each in strongest],
            WATCHED: [len(A_WORD.findall(each)) >= self.min_words for each in texts],
            **{name: counts.tolist() for name, counts in words.items()},
        }


def load(model_dir: Path, *, config: Config) -> CapturedReviews:
    """With the vocabulary of a model."""
    return CapturedReviews(model=TopicModel.load(model_dir), min_words=config.data.min_words)
