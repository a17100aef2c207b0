"""Chooses on validation ratings how movies are ranked: by which penalty, recency, discount and share; for train."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recipes.two_tower.config import Hyperparameters
from recipes.two_tower.ranking.grid import Grid, GridScores, Scores, relative_popularity, retrieved
from recipes.two_tower.ranking.interest import Interest
from recipes.two_tower.ranking.ranker import CANDIDATES, Ranker
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.training_data import TrainingData
from recipes.two_tower.validation import liked

# Noise of the metric falls with the root of their number, and so does what more would bring.
MAX_USERS = 1_000
MORE_FOR_NOVELTY = 8.0
# By which one penalty must be better than another, user by user, to be preferred to it.
STANDARD_ERRORS = 2.0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The best settings and their NDCG on validation ratings; towers with a share of 1 need no ranker."""

    l2: float
    interest: Interest
    discount: float
    towers_share: float
    ndcg: float

    def ranker(self, data: TrainingData, parameters: Hyperparameters) -> Ranker | None:
        """These settings with the factors of `data`, whose usual rating may be another one."""
        if self.towers_share == 1.0:
            return None
        ranker = Ranker.of_factors(
            data.singular_vectors.factors(self.l2),
            temperature=parameters.temperature,
            interest=replace(self.interest, unit=data.statistics.interest.unit),
            towers_share=self.towers_share,
            discount=relative_popularity(data) ** -(self.discount + parameters.novelty),
        )
        # Among few candidates, most of which many have rated, there is little to find for those who want novelty.
        return replace(ranker, retrieved=round(CANDIDATES * (1.0 + MORE_FOR_NOVELTY * parameters.novelty)))


def choose(
    data: TrainingData,
    retrieve: Scores,
    *,
    later: Ratings,
    temperature: float,
    grid: Grid,
    usual_l2: float | None = None,
) -> Choice:
    """The settings that rank best what the users of `data` liked of `later` (on the scale of the data).

    `retrieve` scores all movies for (encoded) histories, as towers do that were trained on `data`. With `usual_l2`,
    that penalty is chosen unless another one is better by more than noise.
    """
    relevant = liked(later, data.scale, users=MAX_USERS)
    table = GridScores(data=data, temperature=temperature, grid=grid)
    found = retrieved(retrieve, data.ratings.of_users(relevant.users), relevant=relevant, movies=len(data.movies))
    ndcg = np.zeros((*table.shape, len(relevant.users)))
    for place, user in enumerate(found):
        ndcg[..., place] = table.ndcg(user)
    best = _best(ndcg, usual=None if usual_l2 is None else table.l2s.index(usual_l2))
    penalty, discount, recency, share = best
    steps, floor = grid.recencies[recency]
    return Choice(
        l2=table.l2s[penalty],
        interest=replace(data.statistics.interest, steps=steps, floor=floor),
        discount=grid.discounts[discount],
        towers_share=grid.shares[share],
        ndcg=float(ndcg[best].mean()),
    )


def _best(ndcg: np.ndarray, *, usual: int | None) -> tuple[int, ...]:
    """Indices of the highest mean of `ndcg` [penalties, ..., users]; a `usual` penalty stays where it is as good."""
    best = _highest(ndcg)
    if usual is None or best[0] == usual:
        return best
    own = (usual, *_highest(ndcg[usual]))
    gains = ndcg[best] - ndcg[own]
    # One user says nothing of noise.
    if len(gains) < 2 or gains.mean() <= STANDARD_ERRORS * gains.std(ddof=1) / np.sqrt(len(gains)):
        return own
    return best


def _highest(ndcg: np.ndarray) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(int(np.argmax(ndcg.sum(axis=-1))), ndcg.shape[:-1])))
