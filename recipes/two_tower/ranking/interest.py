"""How much a rating says about what its user looks for next: by its value and by how long ago; numpy only.

Somebody's last ratings say more about the next one than those of years ago (Koren 2009, "Collaborative filtering with
temporal dynamics"). What counts is how many ratings came after, not how much time went by: some rate a hundred movies
in an evening. Where there are no times, or all are equal, every rating is as recent as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isinf

import numpy as np

from recipes.two_tower.ratings import Ratings

# A rating of twice the usual value says four times as much.
POWER = 2.0


@dataclass(frozen=True)
class Interest:
    """Weights `(value / unit)^power * (exp(-later / steps) + floor)`, with `later` the user's ratings that came after.

    Without `steps`, it does not matter when. The defaults are what models of an earlier version computed with.
    """

    unit: float = 1.0
    power: float = 1.0
    steps: float = inf
    floor: float = 0.0

    @classmethod
    def usual(cls, values: np.ndarray) -> Interest:
        """Whatever the scale of ratings, their squares are 1 on average; so are all weights of interactions."""
        return cls(unit=float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))), power=POWER)

    def of_values(self, values: np.ndarray) -> np.ndarray:
        """Weights by value (float32). Where all are 0, as likes that nobody gave, there is no interest in anything."""
        return np.asarray((values / self.unit) ** self.power if self.unit > 0 else np.zeros(len(values)), np.float32)

    def of_ratings(self, ratings: Ratings) -> np.ndarray:
        """Weights by value and recency (float32 [ratings])."""
        if isinf(self.steps):
            return self.of_values(ratings.values)
        return self.weights(ratings.values, ratings_after(ratings))

    def weights(self, values: np.ndarray, later: np.ndarray | float) -> np.ndarray:
        """Weights by value and by how many ratings came after, each or all of them (float32)."""
        return np.asarray(self.of_values(values) * self.recency(later))

    def recency(self, later: np.ndarray | float) -> np.ndarray:
        """Weights by how many ratings came after (float32)."""
        return np.asarray(np.exp(-later / self.steps) + self.floor, dtype=np.float32)


def ratings_after(ratings: Ratings) -> np.ndarray:
    """How many ratings each user gave after each (float64 [ratings]); those of one second came in every order."""
    order = np.lexsort((ratings.times, ratings.user_rows))
    users, times = ratings.user_rows[order], ratings.times[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (users[1:] != users[:-1]) | (times[1:] != times[:-1])
    first = np.flatnonzero(begins)
    middle = (first + np.append(first[1:], len(order)) - 1) / 2.0
    found = np.empty(len(order))
    found[order] = ratings.offsets[users + 1] - 1 - middle[np.cumsum(begins) - 1]
    return found


def times_after(times: np.ndarray) -> np.ndarray:
    """`ratings_after` for one user's times."""
    ordered = np.sort(times)
    first, end = ordered.searchsorted(times), ordered.searchsorted(times, side="right")
    return np.asarray(len(times) - 1 - (first + end - 1) / 2.0)
