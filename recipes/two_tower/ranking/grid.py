"""Ranks what is retrieved for validation users under every setting of a grid, and says how well; for train, numpy only.

Only scores of the retrieved movies are made, so that a grid costs about a millisecond a user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

import numpy as np

from recipes.two_tower.inference import PSEUDO_COUNT, TOP_K, mask_rated
from recipes.two_tower.metrics import discounts
from recipes.two_tower.ranking.ease import gains
from recipes.two_tower.ranking.interest import Interest, times_after
from recipes.two_tower.ranking.ranker import CANDIDATES
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.training_data import TrainingData
from trainyard.contract.ranking import blocks, top_columns

# Steps and floors of `Interest`, the first for histories whose order says nothing.
RECENCIES = ((inf, 0.0), (5.0, 0.1), (5.0, 0.3), (10.0, 0.1), (10.0, 0.3), (25.0, 0.2), (100.0, 0.2))
# Powers of a movie's popularity that its score is divided by: EASE leans to what most people like.
DISCOUNTS = (0.0, 0.2)
# With a hundredth, towers decide where EASE knows nothing, and nowhere else.
TOWERS_SHARES = (0.01, 0.1, 0.25, 0.5, 1.0)
Scores = Callable[[Ratings], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is tried, with all penalties that `SingularVectors` has: recencies before the towers are trained."""

    recencies: Sequence[tuple[float, float]] = RECENCIES
    discounts: Sequence[float] = DISCOUNTS[:1]
    shares: Sequence[float] = TOWERS_SHARES[:1]

    @classmethod
    def after(cls, recency: Interest) -> Grid:
        """What is tried when towers are trained on such histories."""
        return cls(recencies=[(recency.steps, recency.floor)], discounts=DISCOUNTS, shares=TOWERS_SHARES)


def relative_popularity(data: TrainingData) -> np.ndarray:
    """How many have rated each movie, beside the average movie (float32 [movies])."""
    counts = data.statistics.counts + np.float32(PSEUDO_COUNT)
    return np.asarray(counts / counts.mean())


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """Movies for one user with the towers' scores, which of them are liked later, and how many are; the history."""

    movies: np.ndarray
    scores: np.ndarray
    liked: np.ndarray
    all_liked: int
    history: Ratings


def retrieved(retrieve: Scores, histories: Ratings, *, relevant: Ratings, movies: int) -> Iterator[Retrieved]:
    """Of the users for whom something is retrieved that they like: the others tell nothing."""
    for block in blocks(len(histories.users), movies):
        rows = np.arange(len(histories.users))[block]
        known = histories.take(rows)
        scores = retrieve(known)
        mask_rated(scores, known)
        for place, found in enumerate(top_columns(scores, CANDIDATES)):
            liked = relevant.movies[relevant.offsets[rows[place]] : relevant.offsets[rows[place] + 1]]
            hits = np.flatnonzero(np.isin(found, liked))
            if len(hits):
                yield Retrieved(
                    movies=found,
                    scores=scores[place, found],
                    liked=hits,
                    all_liked=len(liked),
                    history=known.take(np.asarray([place])),
                )


@dataclass(frozen=True, kw_only=True)
class GridScores:
    """Makes the NDCG of one user under all settings."""

    data: TrainingData
    temperature: float
    grid: Grid

    @cached_property
    def l2s(self) -> tuple[float, ...]:
        """The penalties."""
        return tuple(self.data.singular_vectors.squared_norms)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The numbers of penalties, discounts, recencies and shares."""
        return len(self.l2s), len(self.grid.discounts), len(self.grid.recencies), len(self.grid.shares)

    def ndcg(self, user: Retrieved) -> np.ndarray:
        """NDCG under each setting (float64, of `shape`)."""
        vectors, movies = self.data.singular_vectors.movies, user.movies
        queries = self._weights(user.history) @ vectors[user.history.movies]
        # [l2s, recencies, movies], and with discounts before recencies
        products = (queries * self._shrinkage[:, None]) @ vectors[movies].T
        ease = products[:, None] * self._gains[:, :, None, movies]
        shares = np.asarray(self.grid.shares, dtype=np.float32)[:, None]
        scores = shares * user.scores + (1.0 - shares) * ease[..., None, :]
        # Of equal scores none comes first, so that nothing is gained by scoring all alike.
        places = np.stack([(scores >= scores[..., [liked]]).sum(axis=-1) for liked in user.liked])
        worth = np.where(places <= TOP_K, 1.0 / np.log2(places + 1.0), 0.0)
        return np.asarray(worth.sum(axis=0) / discounts(min(user.all_liked, TOP_K)).sum())

    @cached_property
    def _shrinkage(self) -> np.ndarray:
        return np.stack([self.data.singular_vectors.shrinkage(l2) for l2 in self.l2s])

    @cached_property
    def _gains(self) -> np.ndarray:
        norms = self.data.singular_vectors.squared_norms
        of_ease = np.stack([gains(norms[l2]) / np.float32(self.temperature) for l2 in self.l2s])
        return np.asarray(
            of_ease[:, None] * np.stack([relative_popularity(self.data) ** -each for each in self.grid.discounts])
        )

    def _weights(self, history: Ratings) -> np.ndarray:
        """Weights of one user's ratings by recency (float32 [recencies, ratings])."""
        later = times_after(history.times)
        rows = [interest.recency(later) for interest in self._interests]
        return np.asarray(np.stack(rows) * self._interests[0].of_values(history.values))

    @cached_property
    def _interests(self) -> list[Interest]:
        usual = self.data.statistics.interest
        return [replace(usual, steps=steps, floor=floor) for steps, floor in self.grid.recencies]
