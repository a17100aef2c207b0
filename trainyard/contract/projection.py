"""Lays vectors out in two dimensions for the maps of reports; runs in the processing image, numpy only.

t-SNE is computed exactly, over all pairs of points: a map has a thousand at most, for which that takes a third of the
CPU time of loading scikit-learn and asking its approximation, and comes out no worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

PERPLEXITY = 30.0
# Bisections of each point's precision, and how near its entropy (nats) has to come.
BISECTIONS, ENTROPY_ERROR = 40, 1e-3
STEPS = 400
# While points find their neighbours: attraction is this much stronger, and steps remember less of the one before.
EARLY_STEPS, EXAGGERATION = 160, 12.0
EARLY_MOMENTUM, MOMENTUM = 0.5, 0.8
# A coordinate that goes on in its direction moves faster and faster, one that swings slower and slower.
FASTER, SLOWER, SLOWEST = 0.2, 0.8, 0.01
LEAST_RATE = 50.0
# Pairs of so many points with all others are looked at together: they fit into the cache of a core.
BLOCK_POINTS = 64


def tsne(unit_vectors: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton 2008) of unit vectors [n, size] to [n, 2]; n in the thousands at most.

    On unit vectors, euclidean distance orders pairs as the cosine does.
    """
    count = len(unit_vectors)
    if count < 2:
        return np.zeros((count, 2))
    attraction = Attraction.of(unit_vectors)
    random = np.random.default_rng(seed)
    points = (1e-4 * random.standard_normal((count, 2))).astype(np.float32)
    moves, speeds = np.zeros_like(points), np.ones_like(points)
    rate = max(count / EXAGGERATION / 4.0, LEAST_RATE)
    for step in range(STEPS):
        early = step < EARLY_STEPS
        slope = attraction.slope(points, exaggeration=EXAGGERATION if early else 1.0)
        speeds = np.where(np.sign(slope) != np.sign(moves), speeds + FASTER, speeds * SLOWER)
        speeds = np.maximum(speeds, SLOWEST)
        moves = (EARLY_MOMENTUM if early else MOMENTUM) * moves - rate * speeds * slope
        points = points + moves
        points -= points.mean(axis=0)
    return np.asarray(points, dtype=np.float64)


class _Pulls(NamedTuple):
    """Sums over all other points, by point [n, 3]: of weights times x, of weights times y, and of weights."""

    together: np.ndarray
    apart: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Attraction:
    """How likely two points are neighbours among the vectors: `probabilities` [n, n] (float32), which add up to 1."""

    probabilities: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray) -> Attraction:
        """From distances in euclidean space."""
        conditional = _neighbour_probabilities(_squared_distances(vectors))
        both = (conditional + conditional.T) / (2.0 * len(vectors))
        return cls(probabilities=both.astype(np.float32))

    def slope(self, points: np.ndarray, *, exaggeration: float) -> np.ndarray:
        """The gradient of the Kullback-Leibler divergence by the coordinates [n, 2] (equation 5 of the paper)."""
        pulls, total = self._pulls(points)
        together = exaggeration * pulls.together - pulls.apart / total
        return np.asarray(4.0 * (together[:, 2:] * points - together[:, :2]))

    def _pulls(self, points: np.ndarray) -> tuple[_Pulls, float]:
        """What draws points together and what drives them apart; and the sum of the kernel over all pairs."""
        count, total = len(points), 0.0
        squares, ones = (points**2).sum(axis=1), np.ones(count, dtype=np.float32)
        # Their product is 1 plus the squared distance of each two points.
        left = np.column_stack([-2.0 * points, squares, ones])
        right = np.stack([*points.T, ones, squares + 1.0])
        weighed = np.column_stack([points, ones])
        pulls = _Pulls(np.empty((count, 3), np.float32), np.empty((count, 3), np.float32))
        for start in range(0, count, BLOCK_POINTS):
            block = slice(start, min(start + BLOCK_POINTS, count))
            kernel = left[block] @ right
            # Far from the middle, rounding may leave less than the 1.
            np.reciprocal(np.maximum(kernel, 1.0, out=kernel), out=kernel)
            kernel[np.arange(len(kernel)), np.arange(count)[block]] = 0.0
            total += float(kernel.sum())
            pulls.together[block] = (self.probabilities[block] * kernel) @ weighed
            kernel *= kernel
            pulls.apart[block] = kernel @ weighed
        return pulls, total


def _squared_distances(vectors: np.ndarray) -> np.ndarray:
    """Squared euclidean distance of each two vectors [n, n], infinite of one to itself."""
    exact = np.asarray(vectors, dtype=np.float64)
    squares = (exact**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares - 2.0 * (exact @ exact.T), 0.0)
    np.fill_diagonal(distances, np.inf)
    return np.asarray(distances)


def _neighbour_probabilities(distances: np.ndarray) -> np.ndarray:
    """Normal densities around each point [n, n], rows adding up to 1, so wide that `PERPLEXITY` points lie inside."""
    count = len(distances)
    wanted = np.log(min(PERPLEXITY, max((count - 1) / 3.0, 1.0)))
    # Distances beyond that of the nearest point: the densities are the same, and none of their sums is zero.
    beyond = distances - distances.min(axis=1, keepdims=True)
    finite = np.where(np.isfinite(beyond), beyond, 0.0)
    low, high, precision = np.zeros((count, 1)), np.full((count, 1), np.inf), np.ones((count, 1))
    for _ in range(BISECTIONS):
        densities = np.exp(-precision * beyond)
        sums = densities.sum(axis=1, keepdims=True)
        entropy = np.log(sums) + precision * (densities * finite).sum(axis=1, keepdims=True) / sums
        if np.abs(entropy - wanted).max() < ENTROPY_ERROR:
            break
        low, high = np.where(entropy > wanted, precision, low), np.where(entropy > wanted, high, precision)
        precision = np.where(np.isinf(high), 2.0 * precision, (low + np.minimum(high, 1e300)) / 2.0)
    return np.asarray(densities / sums)


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
