"""What kept requests and answers say in the terms of tables and scores; runs in the training image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipes.prod2vec.config import GOES_WITH, Config
from trainyard.contract.captured import Captured, Columns, Rows


class CapturedBaskets(Captured):
    """Of baskets it is watched what goes with them and how many of their products are unknown; no table has such rows.

    Products like a product are always the same, and which one people will look at no evaluation knows; a request for
    those like an unknown one is refused, and so it is not kept. An empty basket is like none that was evaluated.
    """

    def tables(self, requests: Rows) -> dict[str, Columns]:
        """Nothing: keys are only counted."""
        del requests
        return {}

    def answers(self, requests: Rows, answers: Rows) -> Columns:
        """The first product of each answer to a basket, and what `SHARES` name."""
        lines = [len(each.get("basket") or ()) for each in requests]
        best: list[dict[str, Any]] = [next(iter(each.get("products") or ()), {}) for each in answers]
        return {
            GOES_WITH: [each.get("product_id") for count, each in zip(lines, best, strict=True) if count],
            "lines": lines,
            "unknown_products": [len(each.get("unknown") or ()) for each in answers],
        }


def load(model_dir: Path, *, config: Config) -> CapturedBaskets:
    """The answers themselves say what a model did not know."""
    del model_dir, config
    return CapturedBaskets()
