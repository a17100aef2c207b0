"""Factors of movies by who rated them how: those of EASE, by way of a small kernel; for train and evaluate.

EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") predicts a user's row `x` as `x B` with
`B = I - P diag(1 / diag(P))` and `P = inverse(X'X + l)`. With the singular vectors `L` and values `s` of `X`,
`P = (I - L diag(s^2 / (s^2 + l)) L') / l`. So with `V = L diag(s / sqrt(s^2 + l))`, what a user has not rated scores
`(x V) V_j / (1 - |V_j|^2)`: all of EASE is in the rows of `V`. The singular vectors come from the kernel `X X'` of the
users (Woodbury's identity) or, where there are more users than movies or too many of both, from the kernel `X'X` of
the movies rated most, which gives the left singular vectors of all users, and these the rows of all movies (Nystrom's
method, Williams and Seeger 2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from recipes.two_tower.ratings import Ratings
from trainyard.contract.lean.threads import threads_for

# The cost of a kernel grows with the cube of the users or movies in it, so it is capped: 3,000 take six seconds.
MAX_KERNEL = 3000
# Users of whom a sample says enough of movies; their left singular vectors take 240 MB.
MAX_USERS = 20_000
# Squares of singular values below this share of the largest are rounding errors, below this share of L2 noise.
ROUNDING, NOISE = 1e-9, 0.25
BLOCK_MOVIES = 10_000
# Columns after these add little to EASE's scores.
MAX_FACTORS = 256
# The least that `1 - |V_j|^2` is taken for, since scores are divided by it.
MIN_REMAINDER = 1e-3


def gains(squared_norms: np.ndarray) -> np.ndarray:
    """`1 / (1 - |V_j|^2)` (float32 [movies])."""
    return np.asarray(1.0 / np.maximum(1.0 - squared_norms, MIN_REMAINDER), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class EaseFactors:
    """The encoder and decoder of EASE: a user's row `x` scores `(x encoder) decoder'`.

    `encoder` (float32 [movies, k]): the first columns of `V`; `squared_norms` (float32 [movies]): `|V_j|^2` with all.
    """

    encoder: np.ndarray
    squared_norms: np.ndarray

    @property
    def decoder(self) -> np.ndarray:
        """`V_j / (1 - |V_j|^2)` (float32 [movies, k])."""
        return np.asarray(self.encoder * gains(self.squared_norms)[:, None], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class SingularVectors:
    """What EASE's factors of several L2 penalties have in common.

    `movies` (float32 [movies, k]): the first columns of `V` for the least penalty; `squares` [k]: `s^2`;
    `squared_norms`: `|V_j|^2` with all columns by penalty.
    """

    movies: np.ndarray
    squares: np.ndarray
    squared_norms: Mapping[float, np.ndarray]

    def factors(self, l2: float) -> EaseFactors:
        """The factors of one of the penalties."""
        encoder = self.movies * np.sqrt(self.shrinkage(l2))
        return EaseFactors(encoder=encoder, squared_norms=self.squared_norms[l2])

    def shrinkage(self, l2: float) -> np.ndarray:
        """By how much products of `movies` are larger than those of the factors, column by column (float32 [k])."""
        return _shrinkage(self.squares, min(self.squared_norms), l2=l2)


def ease_factors(
    ratings: Ratings, weights: np.ndarray, *, movies: int, l2: float, seed: int, max_factors: int = MAX_FACTORS
) -> EaseFactors:
    """At most `max_factors` columns of `V`, the largest first; signs are fixed: the same ratings give the same factors.

    `ratings` holds indices of `movies` movies and `weights` [ratings] the entries of `X`; `l2` is `l`.
    """
    found = singular_vectors(ratings, weights, movies=movies, l2s=(l2,), seed=seed, max_factors=max_factors)
    return found.factors(l2)


def singular_vectors(
    ratings: Ratings,
    weights: np.ndarray,
    *,
    movies: int,
    l2s: Sequence[float],
    seed: int,
    max_factors: int = MAX_FACTORS,
) -> SingularVectors:
    """`ease_factors` for several penalties at the cost of one."""
    users = np.arange(len(ratings.users))
    if len(users) > MAX_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, MAX_USERS, replace=False))
    sampled = replace(ratings, values=weights).take(users)
    table = sparse.csr_matrix((sampled.values, sampled.movies, sampled.offsets), shape=(len(users), movies))
    squares, left = _by_users(table) if len(users) <= min(movies, MAX_KERNEL) else _by_movies(table, min(l2s))
    left = left * np.where(left.sum(axis=0) < 0, -1.0, 1.0)
    least = min(l2s)
    # X' left = L diag(s): dividing by sqrt(s^2 + l) gives V at once, and cannot divide by zero.
    scaled = (left / np.sqrt(squares + least)).astype(np.float32)
    ratios = np.stack([_shrinkage(squares, least, l2=l2) for l2 in l2s], axis=1)
    first, norms, by_movie = [], [], table.T.tocsr()
    for start in range(0, movies, BLOCK_MOVIES):
        columns = by_movie[start : start + BLOCK_MOVIES] @ scaled
        norms.append(columns**2 @ ratios)
        # A copy: a view would keep all columns of the block in memory.
        first.append(columns[:, :max_factors].copy())
    squared_norms = dict(zip(l2s, np.concatenate(norms).T, strict=True))
    return SingularVectors(movies=np.concatenate(first), squares=squares[:max_factors], squared_norms=squared_norms)


def _by_users(table: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Squares of the singular values [k] and left singular vectors [users, k], the largest first."""
    return _largest_first(table @ table.T)


def _by_movies(table: sparse.csr_matrix, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """The same by way of the movies that most have rated; of the others, the users' singular vectors say enough."""
    counts = table.getnnz(axis=0)
    often = np.sort(np.argsort(-counts, kind="stable")[:MAX_KERNEL])
    part = table[:, often]
    squares, right = _largest_first(part.T @ part)
    # What weighs little for the movies of the kernel is mostly noise for the others.
    limit = ROUNDING * squares[0] if len(often) == table.shape[1] else min(NOISE * l2, squares[0])
    kept = squares >= limit
    roots = np.sqrt(np.maximum(squares[kept], np.finfo(np.float32).tiny))
    return squares[kept], part @ (right[:, kept] / roots).astype(np.float32)


def _largest_first(kernel: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues [k] and eigenvectors [n, k] of a kernel."""
    dense = kernel.toarray().astype(np.float64)
    # Where other work keeps cores busy, two threads wait for each other ten times as long as one would work.
    with threads_for(1):
        squares, vectors = np.linalg.eigh(dense)
    return np.maximum(squares[::-1], 0.0), vectors[:, ::-1]


def _shrinkage(squares: np.ndarray, least: float, *, l2: float) -> np.ndarray:
    return np.asarray((squares + least) / (squares + l2), dtype=np.float32)
