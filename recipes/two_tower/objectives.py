"""The two objectives of the towers: model, standardized batches and trainer of each; runs in the training image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from recipes.two_tower.batches import RatingBatches, RetrievalBatch, RetrievalBatches
from recipes.two_tower.config import Config
from recipes.two_tower.features import Featurizer
from recipes.two_tower.inference import ObjectiveName, log_popularity
from recipes.two_tower.model import build
from recipes.two_tower.scale import Scale
from recipes.two_tower.towers import Standardization, Tower, Towers, dense_layers
from recipes.two_tower.trainers import RatingTensors, RatingTrainer, RetrievalTensors, RetrievalTrainer
from recipes.two_tower.training_data import TrainingData
from trainyard.contract.lean.tensorflow import tf

RATINGS_PER_STEP = 1024
USERS_PER_STEP = 128
# Rows that means and deviations of the features are taken from.
STANDARDIZATION_RATINGS = 20_000
STANDARDIZATION_USERS = 2_000


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One objective on some training data.

    `batches` gives what the trainer's `step` takes in an epoch (from 0); the learning rate is zero after `epochs`.
    `told` says what an epoch leaves out, if anything.
    """

    name: ObjectiveName
    epochs: int
    told: str
    trainer: RatingTrainer | RetrievalTrainer
    user: Standardization
    movie: Standardization
    batches: Callable[[int], Iterator[Any]]

    def towers(self) -> Towers:
        """The averaged weights as they are now."""
        with self.trainer.averaged():
            return Towers(
                user=Tower(standardize=self.user, layers=dense_layers(self.trainer.user.get_weights())),
                movie=Tower(standardize=self.movie, layers=dense_layers(self.trainer.movie.get_weights())),
                popularity=float(self.trainer.popularity),
            )

    def save(self, path: Path) -> None:
        """Write the Keras model with the averaged weights."""
        with self.trainer.averaged():
            self.trainer.model.save(path)


def rating_objective(data: TrainingData, config: Config, *, trainer: Any = None) -> Objective:
    """Squared error of ratings, each described without itself; a `trainer` of the same features starts anew."""
    parameters = config.hyperparameters
    featurizer = Featurizer(movies=data.movies, statistics=data.statistics.without_factors())
    seen = in_an_epoch(len(data.ratings), most=parameters.max_ratings, epochs=parameters.rating_epochs)
    drawn = RatingBatches(featurizer=featurizer, ratings=data.ratings, epoch_ratings=seen, seed=config.seed)
    rows = np.random.default_rng(config.seed).integers(0, len(data.ratings), STANDARDIZATION_RATINGS)
    sample = drawn.batch(rows)
    user, movie = Standardization.fit(sample.user), Standardization.fit(sample.movie)
    steps = parameters.rating_epochs * -(-seen // RATINGS_PER_STEP)
    if trainer:
        trainer.restart(steps=steps)
    else:
        trainer = RatingTrainer(
            _model(user, movie, config=config, with_base_vectors=False),
            learning_rate=parameters.rating_learning_rate,
            weight_decay=parameters.weight_decay,
            steps=steps,
        )

    def batches(epoch: int) -> Iterator[RatingTensors]:
        for batch in drawn.epoch(epoch, RATINGS_PER_STEP):
            arrays = (user(batch.user), movie(batch.movie), batch.residual)
            yield RatingTensors(*map(tf.constant, arrays))

    return Objective(
        name="rating",
        epochs=parameters.rating_epochs,
        told=_told(seen, len(data.ratings), setting="max_ratings"),
        trainer=trainer,
        user=user,
        movie=movie,
        batches=batches,
    )


def in_an_epoch(total: int, *, most: int, epochs: int) -> int:
    """How many of `total` an epoch sees: all, or so many that all epochs together see `most`."""
    return min(total, max(1, most // epochs))


def _told(seen: int, total: int, *, setting: str) -> str:
    """What an epoch leaves out, if anything."""
    return f"{seen:,} of {total:,} in an epoch: hyperparameters.{setting}" if seen < total else ""


def retrieval_objective(data: TrainingData, config: Config, *, trainer: Any = None) -> Objective:
    """Sampled softmax over movies, taught by EASE; a `trainer` of the same features starts anew."""
    parameters = config.hyperparameters
    featurizer = Featurizer(movies=data.movies, statistics=data.statistics)
    users = len(data.ratings.users)
    seen = in_an_epoch(users, most=parameters.max_users, epochs=parameters.retrieval_epochs)
    drawn = RetrievalBatches(
        featurizer=featurizer,
        ratings=data.ratings,
        epoch_users=seen,
        factors=data.factors,
        temperature=parameters.temperature,
        seed=config.seed,
    )
    movie_features = featurizer.movie_features(np.arange(len(data.movies)))
    user = Standardization.fit(drawn.full_user_features(STANDARDIZATION_USERS))
    movie = Standardization.fit(movie_features)
    steps = parameters.retrieval_epochs * -(-seen // USERS_PER_STEP)
    if trainer:
        trainer.restart(steps=steps)
    else:
        trainer = RetrievalTrainer(
            _model(user, movie, config=config, with_base_vectors=True),
            learning_rate=parameters.retrieval_learning_rate,
            weight_decay=parameters.weight_decay,
            steps=steps,
            distillation=parameters.distillation,
        )
    catalogue = (movie(movie_features), data.statistics.base_vectors, log_popularity(data.statistics))

    def batches(epoch: int) -> Iterator[RetrievalTensors]:
        return (_retrieval_tensors(batch, user, catalogue=catalogue) for batch in drawn.epoch(epoch, USERS_PER_STEP))

    return Objective(
        name="retrieval",
        epochs=parameters.retrieval_epochs,
        told=_told(seen, users, setting="max_users"),
        trainer=trainer,
        user=user,
        movie=movie,
        batches=batches,
    )


def _retrieval_tensors(
    batch: RetrievalBatch, user: Standardization, *, catalogue: Sequence[np.ndarray]
) -> RetrievalTensors:
    """A batch with `catalogue`: standardized features, base vectors and log popularity of all movies."""
    features, base, popularity = (tf.constant(each[batch.candidates]) for each in catalogue)
    return RetrievalTensors(
        user=[tf.constant(user(batch.user)), tf.constant(batch.user_base)],
        movie=[features, base],
        log_popularity=popularity,
        sampling_probability_correction=tf.constant(batch.sampling_probability_correction),
        targets=tf.constant(batch.targets),
        teacher_logits=tf.constant(batch.teacher_logits),
        input_mask=tf.constant(batch.input_mask),
    )


def _model(user: Standardization, movie: Standardization, *, config: Config, with_base_vectors: bool) -> Any:
    return build(
        user_features=len(user.centre),
        movie_features=len(movie.centre),
        embedding_size=config.hyperparameters.embedding_size,
        seed=config.seed,
        with_base_vectors=with_base_vectors,
    )


class MakeObjective(Protocol):
    """Makes an objective; the trainer of another one of the same data spares compiling its step again."""

    def __call__(
        self, data: TrainingData, config: Config, *, trainer: RatingTrainer | RetrievalTrainer | None = None
    ) -> Objective: ...


def objectives(scale: Scale) -> Mapping[ObjectiveName, MakeObjective]:
    """What makes each objective that such data have: interactions say nothing of ratings."""
    retrieval: dict[ObjectiveName, MakeObjective] = {"retrieval": retrieval_objective}
    return {"rating": rating_objective, **retrieval} if scale.rated else retrieval
