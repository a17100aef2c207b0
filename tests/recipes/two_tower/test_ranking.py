"""What somebody did last says what comes next where it does; retrieved movies are ranked as validation says."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from recipes.two_tower import evaluate, serve
from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import CONFIG
from recipes.two_tower.evaluate import Holdout
from recipes.two_tower.inference import Recommender
from recipes.two_tower.metrics import coverage
from recipes.two_tower.movie_statistics import STATISTICS_FILE
from recipes.two_tower.ranking import ease
from recipes.two_tower.ranking.choice import _best, choose
from recipes.two_tower.ranking.grid import RECENCIES, Grid
from recipes.two_tower.ranking.interest import Interest, ratings_after, times_after
from recipes.two_tower.ranking.ranker import RANKER_FILE
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import Scale
from recipes.two_tower.training_data import TrainingData
from trainyard.run.settings.overrides import override

TASTES, MOVIES, USERS = 6, 60, 120


def ratings(rows):
    """From (user, movie, rating, time) rows."""
    users, movies, values, times = (np.asarray(each) for each in zip(*rows, strict=True))
    return Ratings.from_columns(users, movies, values=values, times=times)


def test_ratings_after_are_counted_by_user_and_those_of_one_second_share_their_mean():
    given = ratings([(7, 0, 5, 30), (7, 1, 5, 10), (7, 2, 5, 20), (7, 3, 5, 20), (9, 0, 5, 1), (9, 1, 5, 1)])
    assert ratings_after(given).tolist() == [0.0, 3.0, 1.5, 1.5, 0.5, 0.5]
    assert times_after(given.times[:4]).tolist() == [0.0, 3.0, 1.5, 1.5]
    assert len(times_after(np.empty(0))) == 0
    weights = Interest(unit=5.0, power=2.0, steps=2.0, floor=0.1).of_ratings(given)
    assert weights[:2] == pytest.approx([1.1, np.exp(-1.5) + 0.1])
    assert weights[4] == weights[5]


def test_what_nobody_likes_shows_no_interest():
    nothing = Interest.usual(np.zeros(3, dtype=np.float32))
    assert nothing.of_values(np.zeros(3, dtype=np.float32)).tolist() == [0.0, 0.0, 0.0]


def drifting(*, ordered):
    """Users who change from one taste to the next, and what they like after; without order, all at one time."""
    random, known, later = np.random.default_rng(0), [], []
    for user in range(USERS):
        tastes = random.permutation(TASTES)[:3]
        rows = [(user, movie) for taste in tastes for movie in random.permutation(np.arange(taste, MOVIES, TASTES))[:5]]
        known += [(*row, 4.0, place if ordered else 0) for place, row in enumerate(rows)]
        seen = {movie for _, movie in rows}
        wanted = tastes[-1] if ordered else tastes[user % 3]
        later += [(user, movie, 5.0, 99) for movie in range(wanted, MOVIES, TASTES) if movie not in seen]
    return ratings(known), ratings(later)


def chosen(known, later, *, config=CONFIG, usual_l2=None):
    names = [str(each) for each in range(MOVIES)]
    movies = Movies.from_columns(names, names, genres=[()] * MOVIES, years=np.zeros(MOVIES))
    scale = Scale.of_ratings(0.5, 5.0, relevant=4.0)
    data = TrainingData.from_ratings(movies, known, scale=scale, config=config)
    return choose(data, data.base_scores, later=later, temperature=0.05, grid=Grid(), usual_l2=usual_l2)


def test_recency_counts_where_tastes_change_and_not_where_there_is_no_order():
    changing, steady = (chosen(*drifting(ordered=ordered)) for ordered in (True, False))
    assert changing.interest.steps in {5.0, 10.0}
    assert changing.ndcg > 0.9
    assert (steady.interest.steps, steady.interest.floor) == RECENCIES[0]


def test_another_penalty_than_the_usual_one_must_be_better_by_more_than_noise():
    config = override(CONFIG, {"hyperparameters": {"ease_l2": 40.0}})
    free, near, far = (chosen(*drifting(ordered=False), config=config, usual_l2=each) for each in (None, 40.0, 640.0))
    assert (free.l2, near.l2, far.l2) == (100.0, 40.0, 100.0)
    assert free.ndcg == far.ndcg > near.ndcg > 0.99 * free.ndcg


def test_a_penalty_is_compared_with_the_usual_one_at_its_own_best():
    """Penalties [usual, other], recencies [first, second], users: each penalty is best with a recency of its own."""
    random = np.random.default_rng(0)
    ndcg = random.random((2, 2, 400)) * 0.1
    ndcg[0, 1] += 0.3
    # Better by a thousandth, which is noise; but by far where the usual one has the other's recency.
    noise = random.normal(0.0, 0.1, 400)
    ndcg[1, 0] = ndcg[0, 1] + noise - noise.mean() + 0.001
    assert _best(ndcg, usual=0) == (0, 1)
    assert _best(ndcg, usual=None) == (1, 0)
    ndcg[1, 0] += 0.05
    assert _best(ndcg, usual=0) == (1, 0)
    assert _best(ndcg[..., :1], usual=0)[0] == 0


@pytest.mark.parametrize(("kernel", "alike"), [(MOVIES, 0.99999), (MOVIES - 10, 0.75)], ids=["all", "most"])
def test_factors_by_way_of_the_movies_are_those_by_way_of_the_users(monkeypatch, kernel, alike):
    known, _ = drifting(ordered=True)
    weights, scores = np.ones(len(known)), []
    # The users' kernel would be the smaller one if there were twice as many movies, and is not allowed then.
    for movies, largest in ((2 * MOVIES, 2 * USERS), (MOVIES, kernel)):
        monkeypatch.setattr(ease, "MAX_KERNEL", largest)
        factors = ease.ease_factors(known, weights, movies=movies, l2=5.0, seed=0)
        products = (factors.encoder @ factors.decoder.T)[:MOVIES, :MOVIES]
        scores.append(products[~np.eye(MOVIES, dtype=bool)])
    assert np.corrcoef(*scores)[0, 1] > alike


def test_what_was_rated_higher_than_expected_of_late_is_expected_from_now_on(opened):
    recommender, histories = opened
    user = histories.take(np.asarray([2]))
    generous = replace(user, values=np.minimum(user.values + 1.0, 5.0))
    movies, rows = np.arange(20), np.zeros(20, dtype=np.int64)
    late = replace(recommender, rating_steps=10.0)
    gains = [
        (each.expected_ratings(generous, rows, movies=movies) - each.expected_ratings(user, rows, movies=movies)).mean()
        for each in (replace(recommender, rating_steps=None), late)
    ]
    assert gains[1] > gains[0] > 0.0


@pytest.fixture(scope="module")
def opened(trained):
    recommender, data = Recommender.load(trained.model), Holdout.load(trained.holdout)
    assert recommender.ranker is not None
    return recommender, data.histories.encoded(recommender.movies.encode(data.keys), recommender.scale)


def test_what_is_ranked_is_what_the_towers_retrieve(opened):
    recommender, histories = opened
    recommender = replace(recommender, ranker=replace(recommender.ranker, retrieved=20))
    retrieved = replace(recommender, ranker=None).recommend(histories, 20)
    ranked = recommender.recommend(histories, 10)
    for (movies, scores), (candidates, _) in zip(ranked, retrieved, strict=True):
        assert set(movies.tolist()) <= set(candidates.tolist())
        assert np.all(np.diff(scores) <= 0)
    changed = [
        ours.tolist() != candidates[:10].tolist() for (ours, _), (candidates, _) in zip(ranked, retrieved, strict=True)
    ]
    assert any(changed)


def test_who_has_rated_nothing_gets_what_the_towers_say(opened):
    recommender, histories = opened
    nobody = histories.of_users(np.asarray([-1]))
    [(movies, _)] = recommender.recommend(nobody, 10)
    assert movies.tolist() == replace(recommender, ranker=None).recommend(nobody, 10)[0][0].tolist()


def test_novelty_shows_more_of_the_catalogue(opened):
    recommender, histories = opened
    counts, found = recommender.statistics.counts + 0.5, []
    for novelty in (0.0, 0.6):
        gains = recommender.ranker.gains * (counts / counts.mean()) ** -novelty
        other = replace(recommender, ranker=replace(recommender.ranker, gains=gains))
        found.append(coverage([each for each, _ in other.recommend(histories, 10)], len(counts)))
    assert found[1] > found[0]


def test_a_model_of_towers_alone_is_evaluated_and_served_as_before(trained, tmp_path):
    """An earlier version had no ranker, and a rating weighed its value."""
    shutil.copytree(trained.model, tmp_path, dirs_exist_ok=True)
    (tmp_path / RANKER_FILE).unlink()
    with np.load(tmp_path / STATISTICS_FILE) as saved:
        np.savez(tmp_path / STATISTICS_FILE, **{name: saved[name] for name in saved.files if name != "interest"})
    recommender = Recommender.load(tmp_path)
    assert recommender.ranker is None
    values = np.asarray([0.5, 4.0], dtype=np.float32)
    assert recommender.statistics.interest.of_values(values).tolist() == values.tolist()
    scores = evaluate.evaluate(tmp_path, trained.holdout, config=trained.config)
    assert 0.0 < scores.metrics["ndcg_at_10"] < 1.0
    predictor = serve.load(tmp_path)
    known = predictor.histories.ratings.encoded(np.arange(len(recommender.movies)), recommender.scale)
    [(movies, _)] = recommender.recommend(known.take(np.asarray([3])), 10)
    answer = predictor.predict([{"uid": predictor.histories.keys[3]}])[0]
    assert [each["title"] for each in answer["recommended"]] == [recommender.movies.titles[each] for each in movies]
