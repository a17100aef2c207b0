"""The user towers of both objectives for one user, in few calls of numpy; for serving.

Both read the same features: all are sums over the history, divided by one of a few numbers, and are laid out for both
at once. Layers of the same shape lie side by side.
"""

from __future__ import annotations

import math

import numpy as np

from recipes.two_tower.inference import Recommender
from recipes.two_tower.movie_statistics import SHRINKAGE
from recipes.two_tower.towers import CLIP, Tower

# Rows of sums over a history: what weighs each rating.
RATINGS, RESIDUALS, INTERESTS, OF_LATE = range(4)


class SingleUserTowers:
    """The user towers that a model needs for a request.

    `columns` are those of the sums, of which `Featurizer.contents` come first.
    """

    def __init__(self, recommender: Recommender, *, columns: int) -> None:
        self._genres = len(recommender.movies.genre_names)
        self._factors = recommender.statistics.factors.shape[1]
        self._numerators, self._divisors = self._layout(columns)
        rating = recommender.rating_towers
        self._rates = rating is not None
        self.retrieves = recommender.objective == "retrieval" or not self._rates
        towers = [recommender.retrieval_towers.user] if self.retrieves else []
        if rating is not None:
            towers.append(rating.user)
        self._stack(towers, widths=[each.layers[0][0].shape[0] for each in towers])

    def __call__(self, sums: np.ndarray, *, bias: float, age: float) -> tuple[np.ndarray, np.ndarray | None]:
        """The vector that finds movies, and the one that rates them, where a model rates (float32 [embedding_size]).

        The first is of the tower for retrieval where the model `retrieves`, else the second one. `sums` [4, columns]
        change; `bias` and `age` are the user's, as `Featurizer` has them.
        """
        count = float(sums[RATINGS, 0])
        divisors = np.empty(self._genres + 3, dtype=np.float32)
        np.add(sums[RATINGS, : self._genres + 1], np.float32(SHRINKAGE), out=divisors[:-2])
        divisors[-2:] = math.sqrt(count + SHRINKAGE), 1.0
        # Averages above the user's own bias: what is liked more than usual.
        sums[RESIDUALS] -= np.float32(bias) * sums[RATINGS]
        # Where no feature is read from otherwise.
        sums[INTERESTS, :3] = bias, math.log1p(count), age
        found = list(self._vectors(sums.ravel().take(self._numerators) / divisors.take(self._divisors)))
        return found[0], found[-1] if self._rates else None

    def _vectors(self, features: np.ndarray) -> np.ndarray:
        """`Tower.__call__` of each tower for its own features (float32 [towers, embedding_size])."""
        features -= self._centre
        features *= self._scale
        np.maximum(np.minimum(features, CLIP, out=features), -CLIP, out=features)
        value = np.empty(self._biases[0].shape, dtype=np.float32)
        begin = 0
        for kernel, out in zip(self._first, value[:, 0], strict=True):
            features[begin : begin + len(kernel)].dot(kernel, out=out)
            begin += len(kernel)
        value += self._biases[0]
        for kernels, biases in zip(self._kernels, self._biases[1:], strict=True):
            np.maximum(value, 0.0, out=value)
            value = value @ kernels
            value += biases
        return np.asarray(value[:, 0])

    def _stack(self, towers: list[Tower], *, widths: list[int]) -> None:
        """Lay out what the towers compute with."""
        every = np.arange(len(self._numerators))
        # The rating tower reads what the retrieval tower reads, without what comes from factors.
        without = np.delete(every, np.s_[len(every) - 1 - 2 * self._factors : -1])
        read = np.concatenate([every if width == len(every) else without for width in widths])
        self._numerators, self._divisors = self._numerators[read], self._divisors[read]
        self._centre = np.concatenate([each.standardize.centre for each in towers])
        self._scale = np.concatenate([each.standardize.scale for each in towers])
        self._first = [each.layers[0][0] for each in towers]
        layers = range(len(towers[0].layers))
        self._biases = [np.stack([each.layers[layer][1][None] for each in towers]) for layer in layers]
        self._kernels = [np.stack([each.layers[layer][0] for each in towers]) for layer in layers[1:]]

    def _layout(self, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """Where `Featurizer.user_features` are, in sums row by row, and their divisors.

        Divisors are the shrunk counts of movies and of those of each genre, the root of the first, and one.
        """
        genres, known, factors = self._genres, 3 + self._genres, self._factors
        contents = np.arange(known + factors)
        tastes, interests = RESIDUALS * columns + contents, INTERESTS * columns + contents
        root, one = genres + 1, genres + 2
        numerators = [interests[:2], tastes[1:known], contents[1:known], tastes[known:], interests[known:]]
        divisors = [one, one, *range(1, genres + 1), *[0] * (genres + 4), *[root] * (2 * factors), one]
        return np.concatenate([*numerators, interests[2:3]]), np.asarray(divisors)
