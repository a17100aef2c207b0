"""What kept requests and answers say in the terms of tables and scores; runs in the training image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipes.two_tower.config import BEST_MOVIE, Config
from recipes.two_tower.score import TABLE
from trainyard.contract.captured import Captured, Columns, Rows


class CapturedUsers(Captured):
    """The ratings that users bring are rows of the table of ratings; a user by id alone brings none.

    What is recommended is watched of users whom the model remembers, as the evaluation asks of them: somebody new gets
    what most people like, and the ratings of a request have no times. Answers with titles alone say nothing of this.
    """

    def tables(self, requests: Rows) -> dict[str, Columns]:
        """Each rating, as the column of the table."""
        given = [rating for each in requests for rating in each.get("ratings") or ()]
        return {TABLE: {"rating": [each.get("rating") for each in given]}}

    def answers(self, requests: Rows, answers: Rows) -> Columns:
        """The first movie of each answer to a user with more ratings than they bring, and what `SHARES` name."""
        given = [len(each.get("ratings") or ()) for each in requests]
        remembered = [each for count, each in zip(given, answers, strict=True) if (each.get("rated") or 0) > count]
        best: list[dict[str, Any]] = [next(iter(each.get("recommended") or ()), {}) for each in remembered]
        return {
            BEST_MOVIE: [each.get("movie_id") for each in best],
            "ratings": given,
            "unknown_movies": [len(each.get("unknown") or ()) for each in answers],
        }


def load(model_dir: Path, *, config: Config) -> CapturedUsers:
    """The answers themselves say what a model did not know."""
    del model_dir, config
    return CapturedUsers()
