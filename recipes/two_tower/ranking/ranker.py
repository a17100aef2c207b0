"""Ranks what the towers retrieve: scores of EASE for somebody's last ratings, mixed with those of the towers; numpy.

Towers give a movie 32 numbers, so that all movies can be scored for every request; of the best of these, EASE's
`MAX_FACTORS` numbers tell better which come first (retrieval and ranking, Covington et al. 2016, "Deep neural networks
for YouTube recommendations"). Who has rated nothing, and movies that nobody has rated, have scores of 0 here, so that
the towers decide.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import sparse

from recipes.two_tower.ranking.ease import EaseFactors, gains
from recipes.two_tower.ranking.interest import Interest
from recipes.two_tower.ratings import Ratings

RANKER_FILE = "ranker.npz"
# So many movies are retrieved for a request, or twice as many as it asks for.
CANDIDATES = 150


@dataclass(frozen=True, kw_only=True)
class Ranker:
    """Scores `towers_share * towers + (1 - towers_share) * EASE * discount / temperature`.

    `encoder` (float32 [movies, k]): EASE's `V`; `gains` (float32 [movies]): what makes the decoder of it, with discount
    and temperature; `interest`: what a rating in somebody's history weighs, here as in the towers; `retrieved`: of how
    many movies it chooses at least.
    """

    encoder: np.ndarray
    gains: np.ndarray
    interest: Interest
    towers_share: float
    retrieved: int = CANDIDATES

    @classmethod
    def of_factors(
        cls, factors: EaseFactors, *, temperature: float, interest: Interest, towers_share: float, discount: np.ndarray
    ) -> Ranker:
        """With the factors of EASE, and what each movie's score is multiplied by."""
        return cls(
            encoder=factors.encoder,
            gains=gains(factors.squared_norms) * discount / np.float32(temperature),
            interest=interest,
            towers_share=towers_share,
        )

    def candidates(self, count: int) -> int:
        """How many movies are ranked where `count` are asked for."""
        return max(self.retrieved, 2 * count)

    @cached_property
    def _shared_gains(self) -> np.ndarray:
        """What is left to EASE beside the towers."""
        return np.asarray(self.gains * np.float32(1.0 - self.towers_share))

    def queries(self, histories: Ratings) -> np.ndarray:
        """What users look for, from their (encoded) histories (float32 [users, k])."""
        weights = self.interest.of_ratings(histories)
        shape = len(histories.users), len(self.encoder)
        table = sparse.csr_matrix((weights, histories.movies, histories.offsets), shape=shape)
        return np.asarray(table @ self.encoder)

    def scores(self, towers: np.ndarray, queries: np.ndarray) -> np.ndarray:
        """What orders all movies (float32 [users, movies]), from the scores that towers give them."""
        found = queries @ self.encoder.T
        found *= self._shared_gains
        found += np.float32(self.towers_share) * towers
        return np.asarray(found)

    def best_first(
        self, movies: np.ndarray, towers: np.ndarray, *, history: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Some movies, the best first, and their `scores` for one user, from the towers' scores of them.

        `weights` are those that `interest` gives for the movies in the user's `history`.
        """
        found = np.float32(self.towers_share) * towers
        if len(history):
            query = weights.dot(self.encoder.take(history, axis=0))
            found += self.encoder.take(movies, axis=0).dot(query) * self._shared_gains.take(movies)
        order = (-found).argsort(kind="stable")
        return movies.take(order), found.take(order)

    def in_words(self) -> str:
        """A sentence for reports."""
        recency = "each of a user's ratings counts as much as any other"
        if np.isfinite(self.interest.steps):
            newest = (1.0 + self.interest.floor) / self.interest.floor
            recency = f"a user's last ratings count most ({newest:.0f} times as much as one that many others followed)"
        return (
            f"The towers retrieve {self.retrieved} movies; EASE orders them, to whom {recency}, with a share of "
            f"{self.towers_share:g} of the towers' scores. Validation ratings chose this."
        )

    def save(self, directory: Path) -> None:
        np.savez(
            directory / RANKER_FILE,
            allow_pickle=False,
            encoder=self.encoder,
            gains=self.gains,
            interest=np.asarray(astuple(self.interest)),
            towers_share=np.asarray(self.towers_share),
            retrieved=np.asarray(self.retrieved),
        )

    @classmethod
    def load(cls, directory: Path) -> Ranker | None:
        """None of a model without, such as one of an earlier version: its towers order movies by themselves."""
        if not (directory / RANKER_FILE).exists():
            return None
        with np.load(directory / RANKER_FILE) as saved:
            return cls(
                encoder=saved["encoder"],
                gains=saved["gains"],
                interest=Interest(*saved["interest"].tolist()),
                towers_share=float(saved["towers_share"]),
                retrieved=int(saved["retrieved"]),
            )
