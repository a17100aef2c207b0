"""What kept requests and answers say in the terms of tables and scores; runs in the training image."""

from __future__ import annotations

from pathlib import Path

from recipes.two_tower.config import Config
from recipes.two_tower.score import TABLE
from trainyard.contract.captured import Captured, Columns, Rows


class CapturedUsers(Captured):
    """The ratings that users bring are rows of the table of ratings; a user by id alone brings none."""

    def tables(self, requests: Rows) -> dict[str, Columns]:
        """Each rating, as the column of the table."""
        given = [rating for each in requests for rating in each.get("ratings") or ()]
        return {TABLE: {"rating": [each.get("rating") for each in given]}}

    def answers(self, requests: Rows, answers: Rows) -> Columns:
        """As `SHARES` name them."""
        return {
            "ratings": [len(each.get("ratings") or ()) for each in requests],
            "unknown_movies": [len(each.get("unknown") or ()) for each in answers],
        }


def load(model_dir: Path, *, config: Config) -> CapturedUsers:
    """The answers themselves say what a model did not know."""
    del model_dir, config
    return CapturedUsers()
