"""Ratings that both objectives learn from, with the statistics and factors that follow from them; for train."""

from __future__ import annotations

from dataclasses import dataclass

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.ease import EaseFactors, ease_factors, interaction_weights
from recipes.two_tower.inference import Recommender
from recipes.two_tower.movie_statistics import MovieStatistics
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import Scale
from recipes.two_tower.towers import Towers


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Ratings as models compute on them, and what follows from them."""

    movies: Movies
    scale: Scale
    ratings: Ratings
    statistics: MovieStatistics
    factors: EaseFactors

    @classmethod
    def from_ratings(cls, movies: Movies, ratings: Ratings, *, scale: Scale, config: Config) -> TrainingData:
        parameters = config.hyperparameters
        weights = interaction_weights(ratings.values, float(ratings.values.max()))
        factors = ease_factors(ratings, weights, movies=len(movies), l2=parameters.ease_l2, seed=config.seed)
        size, temperature = parameters.embedding_size, parameters.temperature
        statistics = MovieStatistics.from_ratings(
            ratings, len(movies), factors=factors, size=size, temperature=temperature
        )
        return cls(movies=movies, scale=scale, ratings=ratings, statistics=statistics, factors=factors)

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
