"""Ratings that both objectives learn from, with the statistics and factors that follow from them; for train."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.features import Featurizer
from recipes.two_tower.inference import Recommender
from recipes.two_tower.movie_statistics import MovieStatistics
from recipes.two_tower.ranking.ease import EaseFactors, SingularVectors, singular_vectors
from recipes.two_tower.ranking.interest import Interest
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import Scale
from recipes.two_tower.towers import Towers

# What validation tries, times the setting. A penalty that is right for hundreds of users leaves EASE with factors of
# noise where thousands have rated a movie: of a million generated ratings, sixteen times as much is best.
L2_STEPS = (0.4, 1.0, 2.5, 6.25, 16.0)


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Ratings as models compute on them, and what follows from them."""

    movies: Movies
    scale: Scale
    ratings: Ratings
    statistics: MovieStatistics
    factors: EaseFactors
    singular_vectors: SingularVectors

    @classmethod
    def from_ratings(cls, movies: Movies, ratings: Ratings, *, scale: Scale, config: Config) -> TrainingData:
        """With ratings that weigh as much whenever they were given."""
        parameters = config.hyperparameters
        interest, l2s = Interest.usual(ratings.values), tuple(parameters.ease_l2 * each for each in L2_STEPS)
        found = singular_vectors(
            ratings, interest.of_values(ratings.values), movies=len(movies), l2s=l2s, seed=config.seed
        )
        factors = found.factors(parameters.ease_l2)
        size, temperature = parameters.embedding_size, parameters.temperature
        statistics = MovieStatistics.from_ratings(
            ratings, len(movies), factors=factors, interest=interest, size=size, temperature=temperature
        )
        return cls(
            movies=movies,
            scale=scale,
            ratings=ratings,
            statistics=statistics,
            factors=factors,
            singular_vectors=found,
        )

    def with_choice(self, *, l2: float, interest: Interest, temperature: float) -> TrainingData:
        """With EASE's factors of one of the penalties, and ratings that weigh as `interest` says.

        What is the usual rating is that of these data, whatever the unit of `interest`.
        """
        factors, mine = self.singular_vectors.factors(l2), replace(interest, unit=self.statistics.interest.unit)
        statistics = self.statistics.with_factors(factors, self.ratings, interest=mine, temperature=temperature)
        return replace(self, factors=factors, statistics=statistics)

    def base_scores(self, histories: Ratings) -> np.ndarray:
        """What towers score that correct nothing (float32 [users, movies]), from (encoded) histories."""
        featurizer = Featurizer(movies=self.movies, statistics=self.statistics)
        users = featurizer.user_base_vectors(featurizer.profiles(histories))
        return np.asarray(users @ self.statistics.base_vectors.T)

    def recommender(self, rating: Towers | None, retrieval: Towers, *, config: Config) -> Recommender:
        """The model that these towers make."""
        return Recommender(
            movies=self.movies,
            scale=self.scale,
            statistics=self.statistics,
            rating_towers=rating,
            retrieval_towers=retrieval,
            objective=config.hyperparameters.objective,
        )
