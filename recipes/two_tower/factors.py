"""Places movies by who rated them how: the factors of EASE, by way of the users' kernel; process, train and evaluate.

EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") predicts a user's row `x` as `x B` with
`B = I - P diag(1 / diag(P))` and `P = inverse(X'X + l)`. With the singular vectors `L` and values `s` of `X`,
`P = (I - L diag(s^2 / (s^2 + l)) L') / l`. So with `V = L diag(s / sqrt(s^2 + l))`, what a user has not rated scores
`(x V) V_j / (1 - |V_j|^2)`: all of EASE is in the rows of `V`, and the singular vectors come from the kernel `X X'`
of the users, of whom a sample is enough. (Woodbury's identity; no matrix of movies by movies is made.)
"""

from __future__ import annotations

import numpy as np

from recipes.two_tower.ratings import Ratings

# The cost of the kernel grows with the square and cube of the users in it, so it is capped.
KERNEL_USERS = 3000
BLOCK_MOVIES = 20_000


def preference(values: np.ndarray, best: float) -> np.ndarray:
    """How much a rating counts as interest (float32): its share of the best rating there is."""
    return np.asarray(values / best, dtype=np.float32)


def movie_factors(ratings: Ratings, movies: int, *, best: float, strength: float, seed: int) -> np.ndarray:
    """`V` of the module's description (float32 [movies, min(users, KERNEL_USERS)]), largest factors first.

    `ratings` holds movie indices; `strength` is `l`. Signs are fixed, so that the same ratings give the same factors.
    """
    users = np.arange(len(ratings.users))
    if len(users) > KERNEL_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, KERNEL_USERS, replace=False))
    some = ratings.take(users)
    weight = preference(some.values, best)
    kernel = np.zeros((len(users), len(users)), dtype=np.float64)
    for start in range(0, movies, BLOCK_MOVIES):
        block = _dense(some, weight, start, min(start + BLOCK_MOVIES, movies))
        kernel += block @ block.T
    squares, left = np.linalg.eigh(kernel)
    squares, left = np.maximum(squares[::-1], 0.0), left[:, ::-1]
    left = left * np.sign(left.sum(axis=0) + 1e-12)
    # X' left = L diag(s): dividing by sqrt(s^2 + l) gives V at once, and cannot divide by zero.
    scaled = (left / np.sqrt(squares + strength)).astype(np.float32)
    factors = [
        _dense(some, weight, start, min(start + BLOCK_MOVIES, movies)).T @ scaled
        for start in range(0, movies, BLOCK_MOVIES)
    ]
    return np.concatenate(factors)


def ease_weights(factors: np.ndarray) -> np.ndarray:
    """`V_j / (1 - |V_j|^2)`: the dot product with a user's `x V` is the score that EASE gives movie `j`."""
    left_over = 1.0 - (factors.astype(np.float64) ** 2).sum(axis=1)
    return np.asarray(factors / np.maximum(left_over, 1e-3)[:, None], dtype=np.float32)


def _dense(ratings: Ratings, weight: np.ndarray, start: int, stop: int) -> np.ndarray:
    inside = (ratings.movies >= start) & (ratings.movies < stop)
    block = np.zeros((len(ratings.users), stop - start), dtype=np.float32)
    block[ratings.row_of_value[inside], ratings.movies[inside] - start] = weight[inside]
    return block
