"""Answers requests for similar products and for the next product of a basket; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.prod2vec.features import OUT_OF_VOCABULARY, Ragged
from recipes.prod2vec.vectors import ProductVectors, mask_contexts, top_columns
from trainyard.errors import BadRequest

DEFAULT_COUNT = 10
MAX_COUNT = 1000
MAX_BASKET = 1000


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """Exact nearest products of a model."""

    vectors: ProductVectors

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One answer per row: `{"products": [{"product_id", "product_name", "score"}, ...]}`, best first.

        A row is `{"product_id": 123}` (similar products, by cosine) or `{"basket": [1, 2]}` (what goes with it, by the
        scoring chosen on validation data), with `"count"`, 10 by default. Unknown products of a basket are ignored and
        listed under `unknown`. Raises BadRequest for a row of another form or without any known product.
        """
        return [self._answer(row, number) for number, row in enumerate(rows)]

    def _answer(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        if not isinstance(row, Mapping) or ("product_id" in row) == ("basket" in row):
            raise BadRequest(f'Row {number}: expected an object with "product_id" or "basket", found {row!r:.100}.')
        unexpected = sorted(set(row) - {"product_id", "basket", "count"})
        if unexpected:
            raise BadRequest(f"Row {number}: expected product_id or basket, and count; found {unexpected[0]!r:.60}.")
        count = row.get("count", DEFAULT_COUNT)
        if not _whole(count) or not 1 <= count <= MAX_COUNT:
            raise BadRequest(f"Row {number}: expected count from 1 to {MAX_COUNT}, found {count!r:.60}.")
        basket = [row["product_id"]] if "product_id" in row else row["basket"]
        valid = isinstance(basket, list) and 1 <= len(basket) <= MAX_BASKET and all(_whole(each) for each in basket)
        if not valid:
            raise BadRequest(f"Row {number}: expected 1 to {MAX_BASKET} whole product ids, found {basket!r:.60}.")
        return self._best(basket, count, number, similar="product_id" in row)

    def _best(self, basket: list[int], count: int, number: int, *, similar: bool) -> dict[str, Any]:
        vocabulary = self.vectors.vocabulary
        indices = vocabulary.encode(np.asarray(basket, dtype=np.int64))
        unknown = [product for product, index in zip(basket, indices, strict=True) if index == OUT_OF_VOCABULARY]
        if len(unknown) == len(basket):
            raise BadRequest(f"Row {number}: expected a product that the model knows, found {unknown!r:.100}.")
        if similar:
            best, scores = self.vectors.similar(int(indices[0]), count)
        else:
            best, scores = self._next(vocabulary.encode_rows(Ragged.of([basket])), count)
        products = [
            {"product_id": int(vocabulary.product_ids[i]), "product_name": vocabulary.names[i], "score": float(value)}
            for i, value in zip(best.tolist(), scores.tolist(), strict=True)
        ]
        return {"products": products, **({"unknown": unknown} if unknown else {})}

    def _next(self, basket: Ragged, count: int) -> tuple[np.ndarray, np.ndarray]:
        scores = self.vectors.next_scores(basket)
        mask_contexts(scores, basket)
        best = top_columns(scores, count)[0]
        best = best[np.isfinite(scores[0, best])]
        return best, scores[0, best]


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    return Predictor(vectors=ProductVectors.load(model_dir))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
