"""Draws the map of movies and the training curves of the report; runs in the processing image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recipes.two_tower.inference import TOP_K, ObjectiveName, Recommender
from recipes.two_tower.validation import METRICS, best_epoch
from trainyard.contract import charts
from trainyard.contract.projection import spread_out
from trainyard.contract.report import Figure

MAP_MOVIES = 1000
MAP_TITLES = 20
# The room of a title, of the width and height of the map.
TITLE_ROOM = (0.24, 0.04)
NO_GENRE = "no genre"
METRIC_LABELS: Mapping[ObjectiveName, str] = {
    "rating": "RMSE of validation ratings",
    "retrieval": f"NDCG@{TOP_K} of validation movies",
}


def map_vectors(recommender: Recommender) -> np.ndarray:
    """The unit vectors of the most rated movies [movies, size], whose t-SNE is the map: by cosine distance."""
    vectors = recommender.movie_vectors[_most_rated(recommender)]
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def movie_map(recommender: Recommender, points: np.ndarray) -> Figure:
    """The most rated movies at `points` [movies, 2], coloured by their first genres."""
    movies, rated = recommender.movies, _most_rated(recommender)
    genres = [(*movies.genres_of(index), NO_GENRE)[0] for index in rated.tolist()]
    titles = {row: movies.titles[rated[row]] for row in spread_out(points, MAP_TITLES, minimum_distance=TITLE_ROOM)}
    return Figure(
        png=charts.scatter(points, genres, notes=titles),
        alt=f"Scatter plot of {len(points)} movies of {len(set(genres))} genres after t-SNE.",
        caption="Titles are given to the most rated movies that leave each other room.",
    )


def _most_rated(recommender: Recommender) -> np.ndarray:
    return np.argsort(-recommender.statistics.counts, kind="stable")[:MAP_MOVIES]


def training_curves(curves: Mapping[str, Sequence[float]]) -> tuple[Figure, ...]:
    """Loss and validation metric of each objective by epoch."""
    figures = []
    for name, label in METRIC_LABELS.items():
        if METRICS[name] not in curves:
            # Interactions have no ratings to learn.
            continue
        loss = f"training loss, {name}"
        panels = {loss: {"loss": curves[f"{name}_loss"]}, label: {label: curves[METRICS[name]]}}
        kept = best_epoch(name, curves[METRICS[name]]) + 1
        alt = f"Loss and {label} over {len(curves[METRICS[name]])} epochs, of which {kept} did best."
        figures.append(Figure(png=charts.curves(panels, x_label="epoch", kept=dict.fromkeys(panels, kept)), alt=alt))
    return tuple(figures)
