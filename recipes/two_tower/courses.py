"""What the two objectives are trained with: material, model, scaled batches and trainer; runs in the training image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.draws import RatingDraws, RetrievalDraws
from recipes.two_tower.factors import Factors, movie_factors, preference
from recipes.two_tower.features import Describer
from recipes.two_tower.model import RatingTrainer, RetrievalTrainer, build
from recipes.two_tower.movie_statistics import Statistics
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.recommender import Recommender, log_popularity
from recipes.two_tower.towers import Tower, Towers, pairs, scaling

RATINGS_PER_STEP = 1024
USERS_PER_STEP = 128
# Rows that means and deviations of the inputs are taken from.
SCALED_ROWS = 20_000
SCALED_USERS = 2_000


@dataclass(frozen=True, kw_only=True)
class Material:
    """Ratings of movie indices, and what follows from them."""

    movies: Movies
    ratings: Ratings
    statistics: Statistics
    factors: Factors

    @classmethod
    def of(cls, movies: Movies, ratings: Ratings, config: Config) -> Material:
        parameters = config.hyperparameters
        liking = preference(ratings.values, float(ratings.values.max()))
        factors = movie_factors(ratings, liking, len(movies), strength=parameters.strength, seed=config.seed)
        size, temperature = parameters.embedding_size, parameters.temperature
        statistics = Statistics.of(ratings, len(movies), factors=factors, size=size, temperature=temperature)
        return cls(movies=movies, ratings=ratings, statistics=statistics, factors=factors)

    def recommender(self, rating: Towers, retrieval: Towers, config: Config) -> Recommender:
        """The model that these towers make."""
        return Recommender(
            movies=self.movies,
            statistics=self.statistics,
            rating=rating,
            retrieval=retrieval,
            objective=config.hyperparameters.objective,
        )


@dataclass(frozen=True, kw_only=True)
class Course:
    """One objective on some material: a trainer, the scaling of its inputs, and the batches of an epoch.

    A batch is what the trainer's `step` takes before the rate.
    """

    trainer: RatingTrainer | RetrievalTrainer
    model: Any
    scales: Mapping[str, tuple[np.ndarray, np.ndarray]]
    batches: Callable[[int], Iterator[Sequence[Any]]]
    steps_per_epoch: int
    rate: float

    def towers(self) -> Towers:
        """The averaged weights as they are now."""
        made = {
            name: Tower(centre=centre, scale=scale, layers=pairs(self.trainer.averaged(name)))
            for name, (centre, scale) in self.scales.items()
        }
        return Towers(user=made["user"], movie=made["movie"], popularity=float(self.trainer.average[-1].numpy()))


def rating_course(material: Material, config: Config) -> Course:
    """Squared error of ratings, each described without itself."""
    describer = Describer(movies=material.movies, statistics=material.statistics.without_factors())
    draws = RatingDraws(describer=describer, ratings=material.ratings, seed=config.seed)
    some = draws.rows(np.random.default_rng(config.seed).integers(0, len(material.ratings), SCALED_ROWS))
    scales = {"user": scaling(some.user), "movie": scaling(some.movie)}
    model = _model(some.user, some.movie, config, starts=False)
    trainer = RatingTrainer(model, weight_decay=config.hyperparameters.weight_decay)
    user, movie = (Tower(centre=centre, scale=scale, layers=()) for centre, scale in scales.values())

    def batches(epoch: int) -> Iterator[Sequence[Any]]:
        for batch in draws.batches(epoch, RATINGS_PER_STEP):
            inputs = (user.scaled(batch.user), movie.scaled(batch.movie), batch.residual)
            yield [tf.constant(each) for each in inputs]

    return Course(
        trainer=trainer,
        model=model,
        scales=scales,
        batches=batches,
        steps_per_epoch=-(-len(material.ratings) // RATINGS_PER_STEP),
        rate=config.hyperparameters.rating_learning_rate,
    )


def retrieval_course(material: Material, config: Config) -> Course:
    """Sampled softmax over movies, taught by EASE."""
    parameters = config.hyperparameters
    describer = Describer(movies=material.movies, statistics=material.statistics)
    draws = RetrievalDraws(
        describer=describer,
        ratings=material.ratings,
        factors=material.factors,
        temperature=parameters.temperature,
        seed=config.seed,
    )
    shown = draws.shown_inputs(SCALED_USERS)
    movie_inputs = describer.movie_inputs(np.arange(len(material.movies)))
    scales = {"user": scaling(shown), "movie": scaling(movie_inputs)}
    model = _model(shown, movie_inputs, config, starts=True)
    trainer = RetrievalTrainer(model, weight_decay=parameters.weight_decay, distillation=parameters.distillation)
    user, movie = (Tower(centre=centre, scale=scale, layers=()) for centre, scale in scales.values())
    scaled, popularity = movie.scaled(movie_inputs), log_popularity(material.statistics)
    starts = material.statistics.starts

    def batches(epoch: int) -> Iterator[Sequence[Any]]:
        for batch in draws.batches(epoch, USERS_PER_STEP):
            rows = batch.candidates
            users = [tf.constant(user.scaled(batch.user)), tf.constant(batch.user_start)]
            candidates = [tf.constant(scaled[rows]), tf.constant(starts[rows])]
            tables = (popularity[rows], batch.log_chance, batch.watched, batch.teacher, batch.seen)
            yield [users, candidates, *(tf.constant(each) for each in tables)]

    return Course(
        trainer=trainer,
        model=model,
        scales=scales,
        batches=batches,
        steps_per_epoch=-(-len(material.ratings.users) // USERS_PER_STEP),
        rate=parameters.retrieval_learning_rate,
    )


def _model(user: np.ndarray, movie: np.ndarray, config: Config, *, starts: bool) -> Any:
    return build(
        user_inputs=user.shape[1],
        movie_inputs=movie.shape[1],
        embedding_size=config.hyperparameters.embedding_size,
        seed=config.seed,
        starts=starts,
    )


COURSES: Mapping[str, Callable[[Material, Config], Course]] = {"rating": rating_course, "retrieval": retrieval_course}
