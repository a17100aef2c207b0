"""Weights from product to product, learned from baskets or taken from vectors; runs in the training image.

Weights are sparse matrices [product in the basket, product that may follow]: some tens of numbers per product, so that
many baskets are scored by one product of sparse matrices and one basket by a sum of a few short rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from recipes.prod2vec.features import RaggedArray
from recipes.prod2vec.inference import ProductVectors
from trainyard.contract.ranking import blocks, top_columns

# Of a product so many partners stay: those with which it is bought far more often, or more rarely, than by chance.
PARTNERS = 300
# Predictors of a product's own regression, and weights that stay of a product in the basket: with twice as many, hit
# rates are the same within noise.
PREDICTORS, KEPT = 100, 50
# Up to so many products each is predicted by all others: one inverse, at most a third of a second.
MAX_EXACT = 2_000
# Up to so many the counts of all pairs are one matrix, of a quarter of a gigabyte at most, which is quicker to look up.
MAX_DENSE = 8_000
ROWS_PER_BLOCK = 500


@dataclass(frozen=True, kw_only=True)
class CoPurchases:
    """How often products were bought, alone and together, in a number of baskets.

    `frequencies` float32 [products]; row j of `partners` (sparse) has the counts of product j with those products that
    say most about it, the most first; `all_pairs` float32 [products, products] where there are at most `MAX_DENSE`.
    """

    baskets: int
    frequencies: np.ndarray
    partners: sparse.csr_matrix
    all_pairs: np.ndarray | None

    @classmethod
    def count(cls, baskets: RaggedArray, products: int) -> CoPurchases:
        """Time grows with the sum of squared lengths of the baskets, memory with their lines and with the products."""
        bought = indicators(baskets, products)
        frequencies = np.bincount(baskets.values, minlength=products).astype(np.float32)
        all_pairs = np.zeros((products, products), np.float32) if products <= MAX_DENSE else None
        by_product, parts = bought.T.tocsr(), []
        for start in range(0, products, ROWS_PER_BLOCK):
            counts = (by_product[start : start + ROWS_PER_BLOCK] @ bought).tocsr()
            if all_pairs is not None:
                all_pairs[start : start + ROWS_PER_BLOCK] = counts.toarray()
            parts.append(_partners(counts, start, frequencies=frequencies, baskets=len(baskets)))
        partners = sparse.vstack(parts, format="csr")
        return cls(baskets=len(baskets), frequencies=frequencies, partners=partners, all_pairs=all_pairs)

    @property
    def popularity(self) -> np.ndarray:
        """Share of the baskets that have each product: float32 [products]."""
        return np.asarray(self.frequencies / np.float32(max(self.baskets, 1)))

    def together(self, products: np.ndarray) -> np.ndarray:
        """Counts [n, n] (float32) of these products; 0 where neither is a partner of the other and there are many."""
        if self.all_pairs is not None:
            return np.asarray(self.all_pairs[np.ix_(products, products)])
        place = self._places
        place[products] = np.arange(len(products))
        columns = place.take(self._partner_table[products])
        place[products] = -1
        found = np.flatnonzero(columns >= 0)
        rows, ranks = np.divmod(found, columns.shape[1])
        counts = np.zeros((len(products), len(products)), np.float32)
        counts[rows, columns.ravel()[found]] = self.partners.data[self.partners.indptr[products][rows] + ranks]
        return np.maximum(counts, counts.T)

    @cached_property
    def _partner_table(self) -> np.ndarray:
        """The partners of each product, int32 [products, most partners], filled up with the number of products.

        Matrices of scipy give the counts of some products too, in five times the time: they look at all columns.
        """
        lengths = np.diff(self.partners.indptr)
        table = np.full((len(lengths), int(lengths.max(initial=0))), len(lengths), dtype=np.int32)
        table[np.arange(table.shape[1]) < lengths[:, None]] = self.partners.indices
        return table

    @cached_property
    def _places(self) -> np.ndarray:
        """Where each product is among those asked for, -1 where it is not; between questions none is."""
        return np.full(len(self.frequencies) + 1, -1, dtype=np.int32)

    def predictors(self, product: int) -> tuple[np.ndarray, np.ndarray]:
        """The products that say most about one, and how often it was bought with each."""
        start = self.partners.indptr[product]
        row = slice(start, min(self.partners.indptr[product + 1], start + PREDICTORS))
        return self.partners.indices[row], self.partners.data[row]


def indicators(baskets: RaggedArray, products: int, *, weights: np.ndarray | None = None) -> sparse.csr_matrix:
    """Baskets x products (float32): 1, or the weight of the line, where a basket has a product."""
    values = np.ones(len(baskets.values), dtype=np.float32) if weights is None else weights
    return sparse.csr_matrix((values, baskets.values, baskets.offsets), shape=(len(baskets), products))


def ridge(counted: CoPurchases, penalties: Sequence[float]) -> list[sparse.csr_matrix]:
    """Weights for each penalty: every product predicted by others in the basket, by a ridge regression of its own.

    With up to `MAX_EXACT` products by all others, which is EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for
    Sparse Data") and costs the cube of their number; with more by the `PREDICTORS` that say most about it, which costs
    their number times a constant. The penalty is in purchases: it counts as so many in which a predictor stood alone.
    """
    if len(counted.frequencies) <= MAX_EXACT:
        return [strongest(sparse.csr_matrix(ease(counted, each)), KEPT) for each in penalties]
    return _local_ridge(counted, penalties)


def ease(counted: CoPurchases, penalty: float) -> np.ndarray:
    """Weights [product in the basket, product that may follow] of all on all; `all_pairs` have to be there."""
    if counted.all_pairs is None:
        raise ValueError(f"expected at most {MAX_DENSE} products, found {len(counted.frequencies)}")
    diagonal = np.diag_indices(len(counted.frequencies))
    gram = counted.all_pairs.astype(np.float64)
    gram[diagonal] = counted.frequencies + penalty
    # Of a matrix of counts, and positive definite with the penalty: half the work of a general inverse.
    lower, _ = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    half, _ = lapack.dpotri(lower, lower=1, overwrite_c=1)
    weights = np.tril(half) + np.tril(half, -1).T
    weights /= -np.diag(weights).copy()
    weights[diagonal] = 0.0
    return np.asarray(weights, dtype=np.float32)


def co_occurrence(counted: CoPurchases) -> sparse.csr_matrix:
    """Weights that are the cosines of two products' columns in the table of baskets and products."""
    scale = sparse.diags((1.0 / np.sqrt(np.maximum(counted.frequencies, 1.0))).astype(np.float32))
    return strongest((scale @ counted.partners @ scale).tocsr(), KEPT)


def chances(vectors: ProductVectors, counted: CoPurchases, *, gain: float, power: float) -> sparse.csr_matrix:
    """Weights that are chances of the next product given one: softmax of `gain * target . context + power * log f`.

    Time grows with the square of the products, memory with one block of rows. The chances of skip-gram itself have a
    gain of 1; f are the products' frequencies.
    """
    products = len(counted.frequencies)
    bias = (power * np.log(np.maximum(counted.frequencies, 1.0))).astype(np.float32)
    count = min(KEPT, products - 1)
    columns, values = [], []
    for block in blocks(products, products):
        scores = np.float32(gain) * (vectors.target[block] @ vectors.context.T) + bias
        scores[np.arange(len(scores)), np.arange(products)[block]] = -np.inf
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        best = top_columns(scores, count)
        columns.append(best.ravel())
        values.append((np.take_along_axis(scores, best, axis=1) / scores.sum(axis=1, keepdims=True)).ravel())
    offsets = np.arange(products + 1) * count
    return sparse.csr_matrix((np.concatenate(values), np.concatenate(columns), offsets), shape=(products, products))


def strongest(weights: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """Of each row the `count` weights of largest size, and none of 0."""
    kept = [
        start + _largest(np.abs(weights.data[start:stop]), count)
        for start, stop in zip(weights.indptr[:-1], weights.indptr[1:], strict=True)
    ]
    places = np.concatenate(kept)
    offsets = np.concatenate(([0], np.cumsum([len(each) for each in kept])))
    found = sparse.csr_matrix((weights.data[places], weights.indices[places], offsets), shape=weights.shape)
    found.eliminate_zeros()
    return found


def _partners(counts: sparse.csr_matrix, start: int, *, frequencies: np.ndarray, baskets: int) -> sparse.csr_matrix:
    """Of each row the `PARTNERS` products that say most about its own, the most first; never the product itself."""
    kept_products, kept_counts, lengths = [], [], []
    for row in range(counts.shape[0]):
        each = slice(counts.indptr[row], counts.indptr[row + 1])
        others, together = counts.indices[each], counts.data[each]
        other = others != row + start
        others, together = others[other], together[other]
        # By how many standard deviations, about, two products are together more or less often than by chance: those
        # that shun each other (substitutes) say as much about a basket as those that go together.
        expected = frequencies[others] * (frequencies[row + start] / np.float32(baskets))
        best = _largest(np.abs(together - expected) / np.sqrt(expected + 1), PARTNERS)
        kept_products.append(others[best])
        kept_counts.append(together[best])
        lengths.append(len(best))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return sparse.csr_matrix((np.concatenate(kept_counts), np.concatenate(kept_products), offsets), shape=counts.shape)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Places of the `count` largest values, largest first; of equal ones the first."""
    places = np.arange(len(values))
    if len(values) > count:
        places = np.sort(np.argpartition(-values, count - 1)[:count])
    return places[np.argsort(-values[places], kind="stable")]


def _local_ridge(counted: CoPurchases, penalties: Sequence[float]) -> list[sparse.csr_matrix]:
    products, nothing = len(counted.frequencies), np.empty(0, np.float32)
    found: list[list[np.ndarray]] = [[nothing] for _ in penalties]
    columns, lengths = [np.empty(0, np.int32)], np.zeros(products, dtype=np.int64)
    for product in range(products):
        others, together = counted.predictors(product)
        if len(others) == 0:
            continue
        gram, diagonal = counted.together(others), np.diag_indices(len(others))
        for weights, penalty in zip(found, penalties, strict=True):
            gram[diagonal] = counted.frequencies[others] + np.float32(penalty)
            weights.append(_solved(gram, together))
        columns.append(others)
        lengths[product] = len(others)
    indices, offsets, shape = np.concatenate(columns), np.concatenate(([0], np.cumsum(lengths))), (products, products)
    return [
        # The rows so far are the products that are predicted.
        strongest(sparse.csr_matrix((np.concatenate(each), indices, offsets), shape=shape).T.tocsr(), KEPT)
        for each in found
    ]


def _solved(gram: np.ndarray, right: np.ndarray) -> np.ndarray:
    # Symmetric, so its own transpose, which lies in memory as LAPACK has it.
    _, weights, failed = lapack.sposv(gram.T, right, lower=1)
    # Counts that were left out may cost a matrix its positive definiteness.
    return np.asarray(np.linalg.lstsq(gram, right, rcond=None)[0] if failed else weights, dtype=np.float32)
