"""What kept requests and answers say in the terms of the table and of scores; runs in the training image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recipes.headline_classifier.config import Config
from recipes.headline_classifier.features import Encoder
from recipes.headline_classifier.texts.tokenizer import joined
from trainyard.contract.captured import Captured, Columns, Rows


@dataclass(frozen=True)
class CapturedHeadlines(Captured):
    """Headlines are compared as the columns of their names; of answers the class, and which words are unknown."""

    encoder: Encoder
    source_columns: tuple[str, ...]

    def read_fields(self) -> tuple[str, ...]:
        """Address and publisher only where the model learned from them."""
        return ("title", "description", *(self.source_columns if len(self.encoder.source_words) else ()))

    def answers(self, requests: Rows, answers: Rows) -> Columns:
        """Columns of `score.py`."""
        texts = [
            joined(row.get("title") or "", row.get("description"), source=(row.get("url"), row.get("publisher")))
            for row in requests
        ]
        likeliest = [max((each.get("probabilities") or {}).values(), default=None) for each in answers]
        words = self.encoder.unknown_words(self.encoder.sequences(texts))
        return {
            "category_name": [each.get("name") for each in answers],
            "probability": likeliest,
            **{name: counts.tolist() for name, counts in words.items()},
        }


def load(model_dir: Path, *, config: Config) -> CapturedHeadlines:
    """With the words that a model knows."""
    return CapturedHeadlines(Encoder.load(model_dir), source_columns=config.data.source_columns)
