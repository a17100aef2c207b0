"""What kept requests and answers say in the terms of tables and scores; runs in the training image."""

from __future__ import annotations

from pathlib import Path

from recipes.prod2vec.config import Config
from trainyard.contract.captured import Captured, Columns, Rows


class CapturedBaskets(Captured):
    """Of baskets it is watched how many of their products are unknown; tables of lines and products have no such rows.

    A request for products like an unknown one is refused, and so it is not kept.
    """

    def tables(self, requests: Rows) -> dict[str, Columns]:
        """Nothing: keys are only counted."""
        del requests
        return {}

    def answers(self, requests: Rows, answers: Rows) -> Columns:
        """As `SHARES` name them."""
        return {
            "lines": [len(each.get("basket") or ()) for each in requests],
            "unknown_products": [len(each.get("unknown") or ()) for each in answers],
        }


def load(model_dir: Path, *, config: Config) -> CapturedBaskets:
    """The answers themselves say what a model did not know."""
    del model_dir, config
    return CapturedBaskets()
