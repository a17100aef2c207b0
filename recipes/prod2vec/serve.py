"""Answers requests for similar products and for the next product of a basket; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recipes.prod2vec.neighbours import NeighbourTable
from recipes.prod2vec.requests import Basket, Either, Product, Products, Similar
from recipes.prod2vec.vectors import ProductVectors
from trainyard.errors import BadRow
from trainyard.serving.neighbours import Neighbours, approximate_wanted
from trainyard.serving.routes import INVOCATIONS, Route
from trainyard.serving.rows import checked, shown


class Predictor:
    """Nearest products of a model: those of a product from its table, those of a basket by a search."""

    def __init__(self, vectors: ProductVectors, table: NeighbourTable | None = None) -> None:
        self.vectors = vectors
        self._table = table
        self._ids: list[int] = vectors.vocabulary.product_ids.tolist()
        self._indices = {product: index for index, product in enumerate(self._ids)}
        self._by_score = _search(vectors.unit if vectors.scoring == "cosine" else vectors.context)

    @cached_property
    def _by_cosine(self) -> Neighbours:
        return self._by_score if self.vectors.scoring == "cosine" else _search(self.vectors.unit)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """One answer per row: `{"products": [{"product_id", "product_name", "score"}, ...]}`, best first.

        A row is `{"product_id": 123}` (similar products, by cosine) or `{"basket": [1, 2]}` (what goes with it, by the
        scoring chosen on validation data), with `"count"`, 10 by default. Unknown products of a basket are ignored and
        listed under `unknown`. Raises BadRow for a row of another form or without any known product.
        """
        return [
            self._similar(row.product_id, row.count, number)
            if row.product_id is not None
            else self._next(row.basket or [], row.count, number)
            for number, row in enumerate(checked(Either, rows))
        ]

    def similar(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """`predict` for rows with a product."""
        return [self._similar(row.product_id, row.count, number) for number, row in enumerate(checked(Similar, rows))]

    def next(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """`predict` for rows with a basket."""
        return [self._next(row.basket, row.count, number) for number, row in enumerate(checked(Basket, rows))]

    def examples(self) -> list[dict[str, Any]]:
        """Rows that this model can answer."""
        return [{"product_id": self._ids[0], "count": 5}, {"basket": self._ids[1:3], "count": 3}]

    def routes(self) -> tuple[Route, ...]:
        """Products like a product, products for a basket."""
        product, basket = self.examples()
        similar = Route(
            path="/similar",
            summary="Products like a product, by cosine.",
            row=Similar,
            response=Products,
            answer=self.similar,
            example=product,
        )
        fitting = Route(
            path="/basket",
            summary="Products that go with a basket, best first.",
            row=Basket,
            response=Products,
            answer=self.next,
            example=basket,
        )
        return (
            fitting.at(INVOCATIONS, row=Either, answer=self.predict, example=product),
            similar.at("/products/{product_id}/similar", method="GET"),
            similar,
            fitting,
        )

    def _similar(self, product: int, count: int, number: int) -> Products:
        index = self._indices.get(product)
        if index is None:
            raise _unknown([product], "product_id", number)
        if self._table is not None and count <= self._table.indices.shape[1]:
            places, cosines = self._table.indices[index, :count], self._table.cosines[index, :count]
        else:
            places, cosines = self._by_cosine.best(self.vectors.unit[index], count, [index])
        return {"products": self._products(places, cosines)}

    def _next(self, basket: Sequence[int], count: int, number: int) -> Products:
        known = [self._indices[each] for each in basket if each in self._indices]
        if not known:
            raise _unknown(basket, "basket", number)
        rows = self.vectors.unit if self.vectors.scoring == "cosine" else self.vectors.target
        query = rows[known].sum(axis=0) / np.float32(len(known))
        answer: Products = {"products": self._products(*self._by_score.best(query, count, known))}
        if unknown := [each for each in basket if each not in self._indices]:
            answer["unknown"] = unknown
        return answer

    def _products(self, places: np.ndarray, scores: np.ndarray) -> list[Product]:
        names, found = self.vectors.vocabulary.names, zip(places.tolist(), scores.tolist(), strict=True)
        return [{"product_id": self._ids[i], "product_name": names[i], "score": score} for i, score in found]


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    return Predictor(ProductVectors.load(model_dir), NeighbourTable.load(model_dir))


def _search(vectors: np.ndarray) -> Neighbours:
    # To score every one of many products for each basket would take most of a request's time.
    return Neighbours(vectors, approximate=approximate_wanted(otherwise=True))


def _unknown(products: Sequence[int], field: str, number: int) -> BadRow:
    return BadRow(number, f"expected a product that the model knows in {field}, found {shown(products)}.", unknown=True)
