"""Answers requests for similar products and for the next product of a basket; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.precomputed_neighbours import PrecomputedNeighbours
from recipes.prod2vec.requests import Basket, Product, ProductOrBasket, Products, Similar
from trainyard.contract.nearest import Neighbours, approximate_wanted
from trainyard.contract.request_rows import checked, shown
from trainyard.contract.routes import INVOCATIONS, Route
from trainyard.contract.values import written, written_keys
from trainyard.errors import BadRow


class Predictor:
    """Nearest products of a model: those of a product are looked up, those of a basket searched."""

    def __init__(self, vectors: ProductVectors, precomputed: PrecomputedNeighbours | None = None) -> None:
        self.vectors = vectors
        self._precomputed = precomputed
        keys: list[str] = vectors.vocabulary.product_ids.tolist()
        self._indices = {key: index for index, key in enumerate(keys)}
        # As the shop writes them: numbers where all are numbers.
        self._ids = written_keys(keys)
        self._numbers = isinstance(self._ids[0], int)
        self._next_search = _search(vectors.unit_vectors if vectors.similarity == "cosine" else vectors.context)

    @cached_property
    def _similar_search(self) -> Neighbours:
        return self._next_search if self.vectors.similarity == "cosine" else _search(self.vectors.unit_vectors)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """One answer per row: `{"products": [{"product_id", "product_name", "score"}, ...]}`, best first.

        A row is `{"product_id": 123}` (similar products, by cosine) or `{"basket": [1, 2]}` (what goes with it, by the
        similarity chosen on validation data), with `"count"`, 10 by default. Ids are numbers or text, and come back as
        numbers where all of the model are. Unknown products of a basket are ignored and listed under
        `unknown`. Raises BadRow for a row of another form or without any known product.
        """
        return [
            self._similar(row.product_id, row.count, number=number)
            if row.product_id is not None
            else self._next(row.basket or [], row.count, number=number)
            for number, row in enumerate(checked(ProductOrBasket, rows))
        ]

    def similar_products(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """`predict` for rows with a product."""
        return [
            self._similar(row.product_id, row.count, number=number) for number, row in enumerate(checked(Similar, rows))
        ]

    def next_products(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """`predict` for rows with a basket."""
        return [self._next(row.basket, row.count, number=number) for number, row in enumerate(checked(Basket, rows))]

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
            answer=self.similar_products,
            example=product,
        )
        next_products = Route(
            path="/basket",
            summary="Products that go with a basket, best first.",
            row=Basket,
            response=Products,
            answer=self.next_products,
            example=basket,
        )
        return (
            next_products.at(INVOCATIONS, row=ProductOrBasket, answer=self.predict, example=product),
            similar.at("/products/{product_id}/similar", method="GET"),
            similar,
            next_products,
        )

    def _similar(self, product: str, count: int, *, number: int) -> Products:
        index = self._indices.get(product)
        if index is None:
            raise _unknown([self._written(product)], "product_id", number=number)
        if self._precomputed is not None and count <= self._precomputed.indices.shape[1]:
            indices, cosines = self._precomputed.indices[index, :count], self._precomputed.cosines[index, :count]
        else:
            indices, cosines = self._similar_search.best(self.vectors.unit_vectors[index], count, hidden=[index])
        return {"products": self._products(indices, cosines)}

    def _next(self, basket: Sequence[str], count: int, *, number: int) -> Products:
        known = [self._indices[each] for each in basket if each in self._indices]
        if not known:
            raise _unknown([self._written(each) for each in basket], "basket", number=number)
        rows = self.vectors.unit_vectors if self.vectors.similarity == "cosine" else self.vectors.target
        query = rows[known].sum(axis=0) / np.float32(len(known))
        answer: Products = {"products": self._products(*self._next_search.best(query, count, hidden=known))}
        if unknown := [each for each in basket if each not in self._indices]:
            answer["unknown"] = [self._written(each) for each in unknown]
        return answer

    def _written(self, key: str) -> int | str:
        return written(key) if self._numbers else key

    def _products(self, indices: np.ndarray, scores: np.ndarray) -> list[Product]:
        names, found = self.vectors.vocabulary.names, zip(indices.tolist(), scores.tolist(), strict=True)
        return [{"product_id": self._ids[i], "product_name": names[i], "score": score} for i, score in found]


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    return Predictor(ProductVectors.load(model_dir), PrecomputedNeighbours.load(model_dir))


def _search(vectors: np.ndarray) -> Neighbours:
    # To score every one of many products for each basket would take most of a request's time.
    return Neighbours(vectors, approximate=approximate_wanted(otherwise=True))


def _unknown(products: Sequence[int | str], field: str, *, number: int) -> BadRow:
    return BadRow(number, f"expected a product that the model knows in {field}, found {shown(products)}.", unknown=True)
