"""Taking a rating out of a profile gives what the profile would have been without it; factors are those of EASE."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.features import Featurizer
from recipes.two_tower.movie_statistics import MovieStatistics
from recipes.two_tower.ranking.ease import ease_factors
from recipes.two_tower.ranking.interest import Interest
from recipes.two_tower.ratings import Ratings

USERS, FILMS = 30, 40


@pytest.fixture
def ratings():
    random = np.random.default_rng(0)
    marks = random.random((USERS, FILMS)) < 0.3
    marks[:, 0] = True
    users, movies = np.nonzero(marks)
    values = random.integers(1, 11, len(users)) / 2
    return Ratings.from_columns(
        users * 10, movies, values=values, times=random.integers(10**9, 10**9 + 10**7, len(users))
    )


@pytest.fixture
def featurizer(ratings):
    genres = [("Comedy", "Drama"), ("Drama",), (), ("Horror",)] * 10
    ids, titles = ([f"{letter}{each}" for each in range(FILMS)] for letter in ("m", "f"))
    movies = Movies.from_columns(ids, titles, genres=genres, years=np.arange(FILMS) + 1950)
    interest = Interest(unit=3.0, power=2.0, steps=4.0, floor=0.2)
    factors = ease_factors(ratings, interest.of_values(ratings.values), movies=FILMS, l2=10.0, seed=0)
    statistics = MovieStatistics.from_ratings(
        ratings, FILMS, factors=factors, interest=interest, size=6, temperature=0.1
    )
    return Featurizer(movies=movies, statistics=statistics)


def test_a_profile_without_a_rating_is_that_of_the_other_ratings(ratings, featurizer):
    rows = np.arange(0, len(ratings), 17)
    users = ratings.user_rows[rows]
    taken_out = featurizer.leave_one_out(
        featurizer.profiles(ratings).take(users), ratings.movies[rows], values=ratings.values[rows]
    )
    for index, row in enumerate(rows):
        left = ratings.filter(np.arange(len(ratings)) != row).take(users[index : index + 1])
        expected = featurizer.profiles(left)
        for name in ("content_sums", "residual_sums"):
            assert getattr(taken_out, name)[index] == pytest.approx(getattr(expected, name)[0], abs=1e-3)


def test_a_movie_without_a_rating_is_that_of_the_other_ratings(ratings, featurizer):
    row = 5
    mean = featurizer.statistics.mean
    user = ratings.user_rows[row]
    own_mean = mean + (ratings.values[ratings.user_rows == user] - mean).sum() / (ratings.lengths[user] + 5)
    movie = ratings.movies[row : row + 1]
    others = ratings.filter(np.arange(len(ratings)) != row)
    same = others.movies == movie[0]
    deviations = []
    for other, value in zip(others.user_rows[same], others.values[same], strict=True):
        its = ratings.values[ratings.user_rows == other]
        deviations.append(value - mean - (its - mean).sum() / (len(its) + 5))
    found = featurizer.movie_biases(movie, np.asarray([ratings.values[row] - own_mean]))
    assert found[0] == pytest.approx(sum(deviations) / (len(deviations) + 5), abs=1e-4)
    counted = featurizer.movie_features(movie, np.asarray([0.0]))
    assert counted[0, 1] == pytest.approx(np.log1p(same.sum()), abs=1e-5)


def test_somebody_without_ratings_is_described_by_zeros_and_starts_as_the_average_user(ratings, featurizer):
    nobody = ratings.of_users(np.asarray([5]))
    profiles = featurizer.profiles(nobody)
    inputs = featurizer.user_features(profiles)
    assert np.abs(inputs).max() == 0.0
    liked = featurizer.profiles(ratings).factor_sums.mean(axis=0)
    assert featurizer.user_base_vectors(profiles)[0] == pytest.approx(liked, rel=1e-4, abs=1e-5)


def test_factors_give_the_scores_of_ease(ratings):
    l2 = 10.0
    weights = Interest.usual(ratings.values).of_values(ratings.values)
    table = np.zeros((USERS, FILMS))
    table[ratings.user_rows, ratings.movies] = weights
    inverse = np.linalg.inv(table.T @ table + l2 * np.eye(FILMS))
    by_hand = -inverse / np.diag(inverse)
    np.fill_diagonal(by_hand, 0.0)
    factors = ease_factors(ratings, weights, movies=FILMS, l2=l2, seed=0)
    scores = ratings.reduce_by_user(factors.encoder[ratings.movies] * weights[:, None]) @ factors.decoder.T
    unrated = table == 0
    assert scores[unrated] == pytest.approx((table @ by_hand)[unrated], abs=1e-4)


def test_catalogue_and_statistics_survive_saving(featurizer, tmp_path):
    featurizer.movies.save(tmp_path)
    featurizer.statistics.save(tmp_path)
    movies, statistics = Movies.load(tmp_path), MovieStatistics.load(tmp_path)
    assert movies.genre_names == ("Comedy", "Drama", "Horror")
    assert movies.encode(["m3", "m99", "3"]).tolist() == [3, -1, -1]
    assert movies.genres_of(0) == ("Comedy", "Drama")
    again = Featurizer(movies=movies, statistics=statistics)
    every = np.arange(FILMS)
    assert np.array_equal(again.movie_features(every), featurizer.movie_features(every))
    assert statistics.latest_year == featurizer.statistics.latest_year
    assert statistics.interest == featurizer.statistics.interest


def test_ratings_of_users_keep_an_empty_row_for_strangers(ratings):
    some = ratings.of_users(np.asarray([-3, 20, 25]))
    assert some.lengths.tolist() == [0, ratings.lengths[2], 0]
    assert some.movies.tolist() == ratings.take(np.asarray([2])).movies.tolist()
    assert some.reduce_by_user(some.values).tolist()[0] == 0.0
