"""Answers requests for similar products and for what goes with a basket; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.precomputed_neighbours import PrecomputedNeighbours
from recipes.prod2vec.requests import Basket, Product, ProductOrBasket, Products, Similar
from trainyard.contract.nearest import Neighbours, approximate_wanted
from trainyard.contract.request_rows import checked, shown
from trainyard.contract.routes import INVOCATIONS, Route
from trainyard.contract.values import written, written_keys
from trainyard.errors import BadRow


class Predictor:
    """Products like a product are looked up by their vectors; those for a basket are the scorer's.

    A model without a scorer answers baskets by its vectors, too.
    """

    def __init__(
        self,
        vectors: ProductVectors,
        precomputed: PrecomputedNeighbours | None = None,
        *,
        scorer: BasketScorer | None = None,
    ) -> None:
        self.vectors, self.scorer = vectors, scorer
        self._precomputed = precomputed
        keys: list[str] = vectors.vocabulary.product_ids.tolist()
        self._indices = {key: index for index, key in enumerate(keys)}
        # As the shop writes them: numbers where all are numbers.
        self._ids = written_keys(keys)
        self._numbers = isinstance(self._ids[0], int)
        frequencies = vectors.vocabulary.frequencies
        self._shares = (frequencies / max(int(frequencies.sum()), 1)).astype(np.float32)
        # What requests will need is made before the first one comes.
        if scorer is None:
            _ = self._next_search
        else:
            scorer.best([0], 1)
        if precomputed is None:
            _ = self._similar_search

    @cached_property
    def _next_search(self) -> Neighbours:
        return self._similar_search if self.vectors.similarity == "cosine" else _search(self.vectors.context)

    @cached_property
    def _similar_search(self) -> Neighbours:
        return _search(self.vectors.unit_vectors)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """One answer per row: `{"products": [{"product_id", "product_name", "score"}, ...]}`, best first.

        A row is `{"product_id": 123}` (similar products, by cosine) or `{"basket": [1, 2]}` (what goes with it, by what
        was chosen on validation data; the latest product last), with `"count"`, 10 by default. Ids are numbers or text,
        and come back as numbers where all of the model are. Unknown products of a basket are ignored and listed under
        `unknown`; a basket without known products gets what is popular. Raises BadRow for a row of another form and for
        an unknown product.
        """
        return [
            self._similar(row.product_id, row.count, number=number)
            if row.product_id is not None
            else self._next(row.basket or [], row.count)
            for number, row in enumerate(checked(ProductOrBasket, rows))
        ]

    def similar_products(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """`predict` for rows with a product."""
        return [
            self._similar(row.product_id, row.count, number=number) for number, row in enumerate(checked(Similar, rows))
        ]

    def next_products(self, rows: Sequence[Mapping[str, Any]]) -> list[Products]:
        """`predict` for rows with a basket."""
        return [self._next(row.basket, row.count) for row in checked(Basket, rows)]

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
            raise _unknown(self._written(product), number=number)
        if self._precomputed is not None and count <= self._precomputed.indices.shape[1]:
            indices, cosines = self._precomputed.indices[index, :count], self._precomputed.cosines[index, :count]
        else:
            indices, cosines = self._similar_search.best(self.vectors.unit_vectors[index], count, hidden=[index])
        return {"products": self._products(indices, cosines)}

    def _next(self, basket: Sequence[str], count: int) -> Products:
        known = [self._indices[each] for each in basket if each in self._indices]
        answer: Products = {"products": self._products(*self._best(known, count))}
        if unknown := [each for each in basket if each not in self._indices]:
            answer["unknown"] = [self._written(each) for each in unknown]
        return answer

    def _best(self, basket: list[int], count: int) -> tuple[np.ndarray, np.ndarray]:
        if not basket:
            # Indices are ranks by frequency.
            return np.arange(min(count, len(self._shares))), self._shares[:count]
        if self.scorer is not None:
            # A product that went in twice is there since its last time.
            return self.scorer.best(list(dict.fromkeys(reversed(basket)))[::-1], count)
        rows = self.vectors.unit_vectors if self.vectors.similarity == "cosine" else self.vectors.target
        return self._next_search.best(rows[basket].sum(axis=0) / np.float32(len(basket)), count, hidden=basket)

    def _written(self, key: str) -> int | str:
        return written(key) if self._numbers else key

    def _products(self, indices: np.ndarray, scores: np.ndarray) -> list[Product]:
        names, found = self.vectors.vocabulary.names, zip(indices.tolist(), scores.tolist(), strict=True)
        return [{"product_id": self._ids[i], "product_name": names[i], "score": score} for i, score in found]


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    return Predictor(
        ProductVectors.load(model_dir),
        PrecomputedNeighbours.load(model_dir),
        scorer=BasketScorer.load(model_dir),
    )


def _search(vectors: np.ndarray) -> Neighbours:
    # To score every one of many products for each basket would take most of a request's time.
    return Neighbours(vectors, approximate=approximate_wanted(otherwise=True))


def _unknown(product: int | str, *, number: int) -> BadRow:
    sentence = f"expected a product that the model knows in product_id, found {shown([product])}."
    return BadRow(number, sentence, unknown=True)
