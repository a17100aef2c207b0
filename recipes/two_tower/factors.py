"""Places movies by who rated them how: the factors of EASE, by way of the users' kernel; process, train and evaluate.

EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") predicts a user's row `x` as `x B` with
`B = I - P diag(1 / diag(P))` and `P = inverse(X'X + l)`. With the singular vectors `L` and values `s` of `X`,
`P = (I - L diag(s^2 / (s^2 + l)) L') / l`. So with `V = L diag(s / sqrt(s^2 + l))`, what a user has not rated scores
`(x V) V_j / (1 - |V_j|^2)`: all of EASE is in the rows of `V`, and the singular vectors come from the kernel `X X'`
of the users, of whom a sample is enough. (Woodbury's identity; no matrix of movies by movies is made.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recipes.two_tower.ratings import Ratings

# The cost of the kernel grows with the square and cube of the users in it, so it is capped.
KERNEL_USERS = 3000
BLOCK_MOVIES = 10_000
# Columns after these add little to what the teacher says.
MOST_FACTORS = 256
MOST_CERTAIN = 1e-3


def preference(values: np.ndarray, best: float) -> np.ndarray:
    """How much a rating counts as interest (float32): its share of the best rating there is."""
    return np.asarray(values / best, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Factors:
    """`values`: the first columns of `V` (float32 [movies, k]); `norms`: `|V_j|^2` with all its columns (float32)."""

    values: np.ndarray
    norms: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """`V_j / (1 - |V_j|^2)`: the dot product with a user's `x V` is the score that EASE gives movie `j`."""
        return np.asarray(self.values / np.maximum(1.0 - self.norms, MOST_CERTAIN)[:, None], dtype=np.float32)


def movie_factors(
    ratings: Ratings, weights: np.ndarray, movies: int, *, strength: float, seed: int, most: int = MOST_FACTORS
) -> Factors:
    """At most `most` columns of `V`, the largest first; signs are fixed, so that the same ratings give the same.

    `ratings` holds movie indices and `weights` [ratings] the entries of `X`; `strength` is `l`.
    """
    users = np.arange(len(ratings.users))
    if len(users) > KERNEL_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, KERNEL_USERS, replace=False))
    some = replace(ratings, values=weights).take(users)
    ranges = [(start, min(start + BLOCK_MOVIES, movies)) for start in range(0, movies, BLOCK_MOVIES)]
    kernel = np.zeros((len(users), len(users)))
    for start, stop in ranges:
        block = _dense(some, start, stop)
        kernel += block @ block.T
    squares, left = np.linalg.eigh(kernel)
    squares, left = np.maximum(squares[::-1], 0.0), left[:, ::-1]
    left = left * np.where(left.sum(axis=0) < 0, -1.0, 1.0)
    # X' left = L diag(s): dividing by sqrt(s^2 + l) gives V at once, and cannot divide by zero.
    scaled = (left / np.sqrt(squares + strength)).astype(np.float32)
    values, norms = [], []
    for start, stop in ranges:
        factors = _dense(some, start, stop).T @ scaled
        norms.append((factors**2).sum(axis=1))
        values.append(factors[:, :most])
    return Factors(values=np.concatenate(values), norms=np.concatenate(norms))


def _dense(ratings: Ratings, start: int, stop: int) -> np.ndarray:
    inside = (ratings.movies >= start) & (ratings.movies < stop)
    block = np.zeros((len(ratings.users), stop - start), dtype=np.float32)
    block[ratings.row_of_value[inside], ratings.movies[inside] - start] = ratings.values[inside]
    return block
