"""Lays vectors out in two dimensions for the maps of reports; runs in the processing image."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from trainyard.contract.lean.imports import lean


@contextmanager
def tsne_beside(unit_vectors: np.ndarray, seed: int) -> Iterator[Future[np.ndarray]]:
    """`tsne` in a thread beside the block, after which it is done.

    It takes seconds outside the interpreter's lock, in which the rest of a report can be made.
    """
    # `lean` hides packages from all threads, so what it imports is there before there is another one.
    _lean_tsne()
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(tsne, unit_vectors, seed)


def tsne(unit_vectors: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton 2008) of unit vectors [n, size] to [n, 2]."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # On unit vectors, euclidean distance orders pairs as the cosine does.
    flatten = _lean_tsne()(
        perplexity=min(30.0, (len(unit_vectors) - 1) / 3), init="random", max_iter=500, random_state=seed, n_jobs=1
    )
    # So few points keep one thread busy; several wait for each other most of the time.
    with threadpool_limits(1):
        return np.asarray(flatten.fit_transform(unit_vectors))


@cache
def _lean_tsne() -> Any:
    with lean():
        from sklearn.manifold import TSNE
    return TSNE


def spread_out(points: np.ndarray, count: int, *, minimum_distance: tuple[float, float]) -> list[int]:
    """The first of the points [n, 2] of which no two are nearer than this share of width and height."""
    scaled = (points - points.min(axis=0)) / np.maximum(np.ptp(points, axis=0), 1e-9)
    chosen: list[int] = []
    for row, point in enumerate(scaled):
        distance = np.abs(scaled[chosen] - point)
        if not np.any((distance[:, 0] < minimum_distance[0]) & (distance[:, 1] < minimum_distance[1])):
            chosen.append(row)
        if len(chosen) == count:
            break
    return chosen
