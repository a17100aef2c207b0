"""The vectors that fit a query best, by inner product: exact, or approximate by setting; used by the service.

TRAINYARD_NEIGHBOURS=approximate searches a graph (HNSW, Malkov and Yashunin 2018) in place of every vector.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from trainyard.errors import ConfigError

SETTING = "TRAINYARD_NEIGHBOURS"
LINKS, BUILD_WIDTH, SEARCH_WIDTH = 32, 100, 64
# Up to this many hidden vectors a search asks for more and drops them; beyond, it looks at every score.
MOST_EXTRA = 256
# Where looking at every score is as quick as a search.
FEW_EXTRA, FEW_VECTORS = 16, 4096
SAMPLE, TOP = 200, 10


def approximate_wanted() -> bool:
    """What TRAINYARD_NEIGHBOURS says. Raises ConfigError when it is neither `exact` nor `approximate`."""
    text = os.environ.get(SETTING, "exact")
    if text not in {"exact", "approximate"}:
        raise ConfigError([f"Expected exact or approximate in {SETTING}, found {text!r:.60}."])
    return text == "approximate"


class Neighbours:
    """Vectors float32 [n, size] to search; `offsets` float32 [n] are added to the scores of their vectors."""

    def __init__(
        self, vectors: np.ndarray, offsets: np.ndarray | None = None, *, approximate: bool | None = None
    ) -> None:
        # An offset is one more coordinate, with which every query has 1.
        self._vectors = np.ascontiguousarray(
            vectors if offsets is None else np.column_stack([vectors, offsets]), dtype=np.float32
        )
        self._has_offsets = offsets is not None
        self._query = np.ones((1, self._vectors.shape[1]), dtype=np.float32)
        # One request is one small search: threads would cost more than they bring.
        faiss.omp_set_num_threads(1)
        self._index = _index(self._vectors, approximate=approximate_wanted() if approximate is None else approximate)

    def __len__(self) -> int:
        return len(self._vectors)

    def best(self, query: np.ndarray, count: int, hidden: Sequence[int] = ()) -> tuple[list[int], list[float]]:
        """Places and scores of the `count` best vectors for a query [size] that are not `hidden`, best first.

        Vectors with the same score come in the order of their places.
        """
        wanted = min(count + len(hidden), len(self))
        full = self._full(query)
        if len(hidden) > (FEW_EXTRA if len(self) <= FEW_VECTORS else MOST_EXTRA):
            return self._best_of_all(full[0], min(count, len(self)), hidden)
        scores, places = self._index.search(full, wanted)
        left = set(hidden)
        # An approximate search may find less than it was asked for, which it says by places below 0.
        left.add(-1)
        found: list[tuple[float, int]] = []
        for score, place in zip(scores[0].tolist(), places[0].tolist(), strict=True):
            if len(found) >= count and -score != found[-1][0]:
                break
            if place not in left:
                found.append((-score, place))
        found.sort()
        return [place for _, place in found[:count]], [-score for score, _ in found[:count]]

    def recall(self, *, seed: int = 0) -> float:
        """Share of the true ten best that the index finds, over vectors of its own as queries; 1 for an exact one."""
        rows = np.random.default_rng(seed).choice(len(self), min(SAMPLE, len(self)), replace=False)
        queries, top = self._vectors[rows], min(TOP, len(self))
        _, found = self._index.search(queries, top)
        true = np.argpartition(queries @ self._vectors.T, -top, axis=1)[:, -top:]
        return float(np.mean([len(set(a) & set(b)) / top for a, b in zip(found.tolist(), true.tolist(), strict=True)]))

    def _full(self, query: np.ndarray) -> np.ndarray:
        if not self._has_offsets:
            return np.ascontiguousarray(query[None], dtype=np.float32)
        full = self._query.copy()
        full[0, :-1] = query
        return full

    def _best_of_all(self, full: np.ndarray, count: int, hidden: Sequence[int]) -> tuple[list[int], list[float]]:
        scores = self._vectors @ full
        scores[np.asarray(hidden)] = -np.inf
        candidates = np.argpartition(scores, -count)[-count:]
        order = candidates[np.lexsort((candidates, -scores[candidates]))]
        order = order[np.isfinite(scores[order])]
        return order.tolist(), scores[order].tolist()


def _index(vectors: np.ndarray, *, approximate: bool) -> Any:
    size = vectors.shape[1]
    index: Any = faiss.IndexFlatIP(size)
    if approximate:
        index = faiss.IndexHNSWFlat(size, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = BUILD_WIDTH, SEARCH_WIDTH
    index.add(vectors)
    return index
