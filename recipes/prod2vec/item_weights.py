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
from trainyard.contract.ranking import blocks

# Of a product, so many partners stay: those with which it is bought most beyond chance.
PARTNERS = 300
# Predictors of a product's ridge regression, and weights that stay of a product in the basket: with all, hit rates are
# the same within noise.
PREDICTORS, KEPT = 100, 50
# Up to so many products the counts of all pairs are a matrix of a quarter of a gigabyte, which is quicker to look up.
MAX_DENSE = 8_000
ROWS_PER_BLOCK = 500


@dataclass(frozen=True, kw_only=True)
class CoPurchases:
    """How often products were bought, and bought together, in a number of baskets.

    `frequencies` float32 [products]; row j of `partners` (sparse) has the counts of the products that go with j most
    beyond chance; `all_pairs` are the counts of every two products, where there are few products.
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

    @cached_property
    def _pairs(self) -> sparse.csr_matrix:
        """Counts of every two products of which one is a partner of the other."""
        return self.partners.maximum(self.partners.T).tocsr()

    def together(self, products: np.ndarray) -> np.ndarray:
        """Counts [n, n] (float32) of these products, 0 where neither is a partner of the other."""
        if self.all_pairs is not None:
            return self.all_pairs[np.ix_(products, products)]
        return np.asarray(self._pairs[products][:, products].toarray())


def indicators(baskets: RaggedArray, products: int, weights: np.ndarray | None = None) -> sparse.csr_matrix:
    """Baskets x products (float32): 1, or the weight of the line, where a basket has a product."""
    values = np.ones(len(baskets.values), dtype=np.float32) if weights is None else weights
    return sparse.csr_matrix((values, baskets.values, baskets.offsets), shape=(len(baskets), products))


def beyond_chance(together: np.ndarray, first: np.ndarray, second: np.ndarray, *, baskets: int) -> np.ndarray:
    """By how many standard deviations, about, two products of these frequencies are together more than by chance."""
    expected = first * second / np.float32(baskets)
    return np.asarray((together - expected) / np.sqrt(expected + 1))


def _partners(counts: sparse.csr_matrix, start: int, *, frequencies: np.ndarray, baskets: int) -> sparse.csr_matrix:
    """Of each row the `PARTNERS` products most beyond chance, the most first; never the product itself."""
    kept_products, kept_counts, lengths = [], [], []
    for row in range(counts.shape[0]):
        each = slice(counts.indptr[row], counts.indptr[row + 1])
        others, together = counts.indices[each], counts.data[each]
        surprise = beyond_chance(together, frequencies[row + start], frequencies[others], baskets=baskets)
        surprise[others == row + start] = -np.inf
        best = _largest(surprise, PARTNERS)
        best = best[np.isfinite(surprise[best])]
        kept_products.append(others[best])
        kept_counts.append(together[best])
        lengths.append(len(best))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return sparse.csr_matrix(
        (np.concatenate(kept_counts), np.concatenate(kept_products), offsets), shape=counts.shape
    )


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Places of the `count` largest values, largest first; of equal ones the first."""
    if len(values) > count:
        places = np.sort(np.argpartition(-values, count - 1)[:count])
        return places[np.argsort(-values[places], kind="stable")]
    return np.argsort(-values, kind="stable")


def local_ridge(counted: CoPurchases, penalties: Sequence[float]) -> list[sparse.csr_matrix]:
    """Weights for each penalty: every product predicted by those it is bought with, by ridge regression of its own.

    EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") regresses a product on all others, which
    costs the cube of their number; of `PREDICTORS` most telling ones each, it costs their number times a constant.
    """
    products = len(counted.frequencies)
    found: list[list[np.ndarray]] = [[] for _ in penalties]
    predictors = []
    for product in range(products):
        each = slice(counted.partners.indptr[product], counted.partners.indptr[product + 1])
        others, together = counted.partners.indices[each][:PREDICTORS], counted.partners.data[each][:PREDICTORS]
        predictors.append(others)
        if len(others) == 0:
            continue
        gram = counted.together(others)
        for weights, penalty in zip(found, penalties, strict=True):
            gram[np.diag_indices(len(others))] = counted.frequencies[others] + np.float32(penalty)
            weights.append(_solved(gram, together))
    offsets = np.concatenate(([0], np.cumsum([len(each) for each in predictors])))
    columns = np.concatenate(predictors)
    shape = (products, products)
    return [
        strongest(sparse.csr_matrix((np.concatenate([*each, np.empty(0, np.float32)]), columns, offsets), shape=shape).T.tocsr(), KEPT)
        for each in found
    ]


def _solved(gram: np.ndarray, right: np.ndarray) -> np.ndarray:
    _, weights, failed = lapack.sposv(gram, right, lower=1)
    # Counts that were left out may cost a matrix its positive definiteness.
    return np.asarray(np.linalg.lstsq(gram, right, rcond=None)[0] if failed else weights, dtype=np.float32)


def strongest(weights: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """Of each row the `count` weights of largest size."""
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    order = np.lexsort((-np.abs(weights.data), rows))
    kept = order[np.arange(len(order)) - np.repeat(weights.indptr[:-1], np.diff(weights.indptr)) < count]
    kept.sort()
    return sparse.csr_matrix((weights.data[kept], (rows[kept], weights.indices[kept])), shape=weights.shape)
