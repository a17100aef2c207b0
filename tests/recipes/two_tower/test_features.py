"""Taking a rating out of a profile gives what the profile would have been without it; factors are those of EASE."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.factors import movie_factors, preference
from recipes.two_tower.features import Describer
from recipes.two_tower.movie_statistics import Statistics
from recipes.two_tower.ratings import Ratings

USERS, FILMS = 30, 40


@pytest.fixture
def ratings():
    random = np.random.default_rng(0)
    marks = random.random((USERS, FILMS)) < 0.3
    marks[:, 0] = True
    users, movies = np.nonzero(marks)
    values = random.integers(1, 11, len(users)) / 2
    return Ratings.of(users * 10, movies, values, random.integers(10**9, 10**9 + 10**7, len(users)))


@pytest.fixture
def describer(ratings):
    genres = ["Comedy|Drama", "Drama", "(no genres listed)", "Horror"] * 10
    movies = Movies.of(np.arange(FILMS), [f"f{each}" for each in range(FILMS)], genres, np.arange(FILMS) + 1950)
    factors = movie_factors(ratings, preference(ratings.values, 5.0), FILMS, strength=10.0, seed=0)
    return Describer(movies=movies, statistics=Statistics.of(ratings, FILMS, factors=factors, size=6, temperature=0.1))


def test_a_profile_without_a_rating_is_that_of_the_other_ratings(ratings, describer):
    rows = np.arange(0, len(ratings), 17)
    users = ratings.row_of_value[rows]
    taken_out = describer.without(describer.profiles(ratings).take(users), ratings.movies[rows], ratings.values[rows])
    for place, row in enumerate(rows):
        left = ratings.kept(np.arange(len(ratings)) != row).take(users[place : place + 1])
        expected = describer.profiles(left)
        for name in ("plain", "tilted", "liked"):
            assert getattr(taken_out, name)[place] == pytest.approx(getattr(expected, name)[0], abs=1e-3)


def test_a_movie_without_a_rating_is_that_of_the_other_ratings(ratings, describer):
    row = 5
    mean = describer.statistics.mean
    user = ratings.row_of_value[row]
    own_mean = mean + (ratings.values[ratings.row_of_value == user] - mean).sum() / (ratings.lengths[user] + 5)
    movie = ratings.movies[row : row + 1]
    others = ratings.kept(np.arange(len(ratings)) != row)
    same = others.movies == movie[0]
    deviations = []
    for other, value in zip(others.row_of_value[same], others.values[same], strict=True):
        its = ratings.values[ratings.row_of_value == other]
        deviations.append(value - mean - (its - mean).sum() / (len(its) + 5))
    found = describer.movie_biases(movie, np.asarray([ratings.values[row] - own_mean]))
    assert found[0] == pytest.approx(sum(deviations) / (len(deviations) + 5), abs=1e-4)
    counted = describer.movie_inputs(movie, np.asarray([0.0]))
    assert counted[0, 1] == pytest.approx(np.log1p(same.sum()), abs=1e-5)


def test_somebody_without_ratings_is_described_by_zeros_and_starts_as_the_average_user(ratings, describer):
    nobody = ratings.of_users(np.asarray([5]))
    profiles = describer.profiles(nobody)
    inputs = describer.user_inputs(profiles)
    assert np.abs(inputs).max() == 0.0
    liked = describer.profiles(ratings).liked.mean(axis=0)
    assert describer.user_starts(profiles)[0] == pytest.approx(liked, rel=1e-4, abs=1e-5)


def test_factors_give_the_scores_of_ease(ratings):
    strength = 10.0
    weights = preference(ratings.values, 5.0)
    table = np.zeros((USERS, FILMS))
    table[ratings.row_of_value, ratings.movies] = weights
    inverse = np.linalg.inv(table.T @ table + strength * np.eye(FILMS))
    by_hand = -inverse / np.diag(inverse)
    np.fill_diagonal(by_hand, 0.0)
    factors = movie_factors(ratings, weights, FILMS, strength=strength, seed=0)
    scores = ratings.sums(factors.values[ratings.movies] * weights[:, None]) @ factors.weights.T
    unrated = table == 0
    assert scores[unrated] == pytest.approx((table @ by_hand)[unrated], abs=1e-4)


def test_catalogue_and_statistics_survive_saving(describer, tmp_path):
    describer.movies.save(tmp_path)
    describer.statistics.save(tmp_path)
    movies, statistics = Movies.load(tmp_path), Statistics.load(tmp_path)
    assert movies.genre_names == ("Comedy", "Drama", "Horror")
    assert movies.encode(np.asarray([3, 99, -1])).tolist() == [3, -1, -1]
    again = Describer(movies=movies, statistics=statistics)
    every = np.arange(FILMS)
    assert np.array_equal(again.movie_inputs(every), describer.movie_inputs(every))
    assert statistics.now == describer.statistics.now


def test_ratings_of_users_keep_an_empty_row_for_strangers(ratings):
    some = ratings.of_users(np.asarray([-3, 20, 25]))
    assert some.lengths.tolist() == [0, ratings.lengths[2], 0]
    assert some.movies.tolist() == ratings.take(np.asarray([2])).movies.tolist()
    assert some.sums(some.values).tolist()[0] == 0.0
