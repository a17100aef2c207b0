"""The vectors that fit a query best, by inner product: exact, or approximate by setting; used by the service.

TRAINYARD_NEIGHBOURS says `exact` or `approximate`; without it each recipe decides. An approximate search scores every
vector in four bits per coordinate (product quantization, Jegou, Douze and Schmid 2011, with codes scanned in registers
as by Andre, Kermarrec and Le Scouarnec 2015; faiss does it) and scores the best of these exactly.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from trainyard.errors import ConfigError

SETTING = "TRAINYARD_NEIGHBOURS"
# So many candidates are scored exactly for each vector that is asked for.
CANDIDATES = 10
BITS, MOST_CODES, ROUNDS = 4, 512, 10
# Where every score is as quick.
LEAST = 10_000
ROWS, LOWEST = 32, np.finfo(np.float32).min
SAMPLE, TOP = 200, 10


def approximate_wanted(*, otherwise: bool = False) -> bool:
    """What TRAINYARD_NEIGHBOURS says. Raises ConfigError when it is neither `exact` nor `approximate`."""
    text = os.environ.get(SETTING)
    if text not in {None, "exact", "approximate"}:
        raise ConfigError([f"Expected exact or approximate in {SETTING}, found {text!r:.60}."])
    return otherwise if text is None else text == "approximate"


class Neighbours:
    """Vectors float32 [n, size] to search; `offsets` float32 [n] are added to the scores of their vectors."""

    def __init__(
        self, vectors: np.ndarray, offsets: np.ndarray | None = None, *, approximate: bool | None = None
    ) -> None:
        # An offset is one more coordinate, with which every query has 1.
        whole = vectors if offsets is None else np.column_stack([vectors, offsets])
        wanted = approximate_wanted() if approximate is None else approximate
        self._codes = None
        if wanted and len(whole) >= LEAST:
            whole = np.pad(whole, ((0, 0), (0, -whole.shape[1] % _width(whole))))
            self._codes = _codes(whole)
        self._query = np.ones(whole.shape[1], dtype=np.float32)
        # All scores take least time by columns, those of a few candidates by rows.
        self._vectors = np.asarray(whole, dtype=np.float32, order="F" if self._codes is None else "C")
        if self._codes is not None:
            print(
                f"Approximate search of {len(self):,} vectors finds {self.recall():.2%} of the true ten best.",
                flush=True,
            )

    def __len__(self) -> int:
        return len(self._vectors)

    def best(
        self, query: np.ndarray, count: int, *, hidden: Sequence[int] | np.ndarray = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Places and scores of the `count` best vectors for a query [size] that are not `hidden`, best first.

        Vectors with the same score come in the order of their places.
        """
        full = self._query.copy()
        full[: len(query)] = query
        wanted = count + len(hidden)
        if self._codes is None or CANDIDATES * wanted >= len(self):
            scores = self._vectors.dot(full)
            scores[np.asarray(hidden, dtype=np.int64)] = -np.inf
            return _first(scores, count)
        places = self._codes.search(full[None], CANDIDATES * wanted)[1][0]
        places = np.sort(places[places >= 0])
        chosen, scores = _first(self._vectors[places] @ full, wanted)
        places, left = places[chosen], set(hidden)
        kept = [number for number, place in enumerate(places.tolist()) if place not in left][:count]
        return places[kept], scores[kept]

    def recall(self, *, seed: int = 0) -> float:
        """Share of the true ten best that the search finds, over vectors of its own as queries; 1 for an exact one."""
        rows = np.random.default_rng(seed).choice(len(self), min(SAMPLE, len(self)), replace=False)
        top, shares = min(TOP, len(self)), []
        for query in self._vectors[rows]:
            true, _ = _first(self._vectors @ query, top)
            shares.append(len({*true.tolist()} & {*self.best(query, top)[0].tolist()}) / top)
        return float(np.mean(shares))


def _first(scores: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of the `count` largest scores (float32 [n]) that are finite, largest first."""
    floor, columns = LOWEST, len(scores) // ROWS
    if columns >= count:
        # As many columns have a score above the lowest of their `count` largest maxima, so it bounds what is sought.
        maxima = scores[: ROWS * columns].reshape(ROWS, columns).max(axis=0)
        maxima.partition(columns - count)
        floor = max(floor, maxima[columns - count])
    places = (scores >= floor).nonzero()[0]
    found = scores.take(places)
    order = (-found).argsort(kind="stable")[:count]
    return places.take(order), found.take(order)


def _width(vectors: np.ndarray) -> int:
    """Coordinates that share a code: one, or as many as keep the codes of a vector at MOST_CODES."""
    width: int = math.ceil(vectors.shape[1] / MOST_CODES)
    return width


def _codes(vectors: np.ndarray) -> Any:
    """An index of faiss over the codes of vectors, whose size is a multiple of `_width`."""
    # An exact search is quicker without faiss, and a service that needs none starts quicker.
    import faiss

    # One request is one small search: threads would cost more than they bring.
    faiss.omp_set_num_threads(1)
    size = vectors.shape[1]
    index = faiss.IndexPQFastScan(size, size // _width(vectors), BITS, faiss.METRIC_INNER_PRODUCT)
    index.pq.cp.niter = ROUNDS
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    index.train(rows)
    index.add(rows)
    return index
