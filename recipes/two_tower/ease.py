"""Factors of movies by who rated them how: those of EASE, by way of the users' kernel; for train and evaluate.

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
MAX_KERNEL_USERS = 3000
BLOCK_MOVIES = 10_000
# Columns after these add little to EASE's scores.
MAX_FACTORS = 256
# The least that `1 - |V_j|^2` is taken for, since scores are divided by it.
MIN_REMAINDER = 1e-3


def interaction_weights(values: np.ndarray, max_rating: float) -> np.ndarray:
    """How much a rating counts as interest (float32): its share of the highest rating there is.

    Where all ratings are 0, which is what a like that nobody gave is, there is no interest in anything.
    """
    return np.asarray(values / max_rating if max_rating > 0 else np.zeros_like(values), dtype=np.float32)


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
        remainder = np.maximum(1.0 - self.squared_norms, MIN_REMAINDER)
        return np.asarray(self.encoder / remainder[:, None], dtype=np.float32)


def ease_factors(
    ratings: Ratings, weights: np.ndarray, *, movies: int, l2: float, seed: int, max_factors: int = MAX_FACTORS
) -> EaseFactors:
    """At most `max_factors` columns of `V`, the largest first; signs are fixed: the same ratings give the same factors.

    `ratings` holds indices of `movies` movies and `weights` [ratings] the entries of `X`; `l2` is `l`.
    """
    users = np.arange(len(ratings.users))
    if len(users) > MAX_KERNEL_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, MAX_KERNEL_USERS, replace=False))
    sampled = replace(ratings, values=weights).take(users)
    ranges = [(start, min(start + BLOCK_MOVIES, movies)) for start in range(0, movies, BLOCK_MOVIES)]
    kernel = np.zeros((len(users), len(users)))
    for start, stop in ranges:
        block = _dense(sampled, start, stop=stop)
        kernel += block @ block.T
    squares, left = np.linalg.eigh(kernel)
    squares, left = np.maximum(squares[::-1], 0.0), left[:, ::-1]
    left = left * np.where(left.sum(axis=0) < 0, -1.0, 1.0)
    # X' left = L diag(s): dividing by sqrt(s^2 + l) gives V at once, and cannot divide by zero.
    scaled = (left / np.sqrt(squares + l2)).astype(np.float32)
    encoder, squared_norms = [], []
    for start, stop in ranges:
        factors = _dense(sampled, start, stop=stop).T @ scaled
        squared_norms.append((factors**2).sum(axis=1))
        encoder.append(factors[:, :max_factors])
    return EaseFactors(encoder=np.concatenate(encoder), squared_norms=np.concatenate(squared_norms))


def _dense(ratings: Ratings, start: int, *, stop: int) -> np.ndarray:
    """`X` of the movies from `start` to before `stop` (float32 [users, stop - start])."""
    inside = (ratings.movies >= start) & (ratings.movies < stop)
    block = np.zeros((len(ratings.users), stop - start), dtype=np.float32)
    block[ratings.user_rows[inside], ratings.movies[inside] - start] = ratings.values[inside]
    return block
