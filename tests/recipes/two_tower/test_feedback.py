"""What the column rating means is learned from its values: any scale of ratings, or no ratings at all."""

from __future__ import annotations

import ibis
import numpy as np
import pytest

from recipes.two_tower.config import CONFIG, Data
from recipes.two_tower.feedback import learned
from recipes.two_tower.genres import listed
from recipes.two_tower.scale import Scale

RANDOM = np.random.default_rng(0)
STARS = [1.0] * 6 + [2.0] * 10 + [3.0] * 25 + [4.0] * 35 + [5.0] * 24


def ratings(values):
    connection = ibis.duckdb.connect()
    connection.raw_sql("CREATE TABLE ratings (rating DOUBLE)")
    connection.con.executemany("INSERT INTO ratings VALUES (?)", [[each] for each in values])
    return connection.table("ratings")


@pytest.mark.parametrize(
    ("values", "lowest", "highest", "relevant"),
    [
        pytest.param(STARS, 1, 5, 4, id="five stars"),
        pytest.param([2 * each for each in STARS], 2, 10, 8, id="ten points"),
        pytest.param([20 * each for each in STARS], 20, 100, 80, id="percent"),
        pytest.param([each - 3 for each in STARS], -2, 2, 1, id="around 0"),
        pytest.param([5.0] * 60 + [4.0] * 20 + [1.0] * 20, 1, 5, 5, id="mostly the best"),
        pytest.param([0.0, 1.0, 1.0, 1.0], 0, 1, 1, id="votes of 0 and 1"),
        pytest.param([-1.0] * 7 + [1.0], -1, 1, 1, id="votes of -1 and 1, few of them good"),
        pytest.param([None, *STARS], 1, 5, 4, id="one without a value"),
        pytest.param([*STARS, 55.0], 1, 55, 4, id="one typed twice"),
    ],
)
def test_ratings_of_any_scale(values, lowest, highest, relevant):
    found = learned(ratings(values), Data())
    assert found.rated
    assert (found.lowest, found.highest, found.relevant) == (lowest, highest, relevant)
    assert f"from {lowest} to {highest}; {relevant} or more counts as liked" in found.sentence
    assert found.kept(ratings(values)).to_pyarrow().num_rows == sum(each is not None for each in values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([*STARS, 0.0, 0.0], True),
        ([0.0, 1.0, 1.0, 1.0], False),
        ([0.0, 0.5, *STARS], False),
        ([each - 3 for each in STARS], False),
    ],
    ids=["stars", "votes", "half stars", "around 0"],
)
def test_a_zero_among_stars_may_be_no_rating(values, told):
    assert ("leave them out if that is what has not been rated" in learned(ratings(values), Data()).sentence) is told


@pytest.mark.parametrize(
    ("values", "why", "kept"),
    [
        ([None] * 5, "no ratings are given", 5),
        ([1.0] * 5, "every rating is 1", 5),
        ([None] * 5 + [4.0, 3.0], "5 of 7 rows have no rating", 7),
        (np.exp(RANDOM.normal(3, 1.5, 500)).round() + 1, "look like amounts", 500),
        (RANDOM.geometric(0.6, 500).astype(float), "look like amounts", 500),
        ([0.0] * 60 + [*range(1, 11)] * 4, "look like amounts, from 0 to 10 where half are at most 0", 100),
        ([*np.exp(RANDOM.normal(3, 1.5, 500)).round() + 1, -3.0, 0.0], "look like amounts", 500),
    ],
    ids=["none", "all equal", "mostly none", "plays", "pieces", "0 for no rating", "returns"],
)
def test_rows_that_are_no_ratings(values, why, kept):
    found = learned(ratings(list(values)), Data())
    assert not found.rated
    assert why in found.sentence
    rows = found.kept(ratings(list(values))).to_pyarrow()["rating"]
    assert (str(rows.type), rows.to_pylist()) == ("double", [1.0] * kept)


def test_settings_have_the_last_word():
    assert not learned(ratings(STARS), Data(feedback="interactions")).rated
    assert learned(ratings(range(1, 1000)), Data(feedback="ratings")).highest == 999
    assert learned(ratings(STARS), Data(relevant_rating=2.5)).relevant == 2.5
    assert CONFIG.data.relevant_rating is None


def test_models_compute_on_one_scale_and_answer_on_that_of_the_data():
    stars = np.arange(1, 11) / 2
    assert np.array_equal(Scale.of_ratings(0.5, 5.0, relevant=4.0).normalised(stars), stars.astype(np.float32))
    for lowest, highest in ((1, 10), (-1, 1), (0, 100), (-9, -2), (0, 1e6)):
        scale = Scale.of_ratings(lowest, highest, relevant=highest)
        values = np.linspace(lowest, highest, 7)
        found = scale.normalised(values)
        assert found.min() >= 0
        assert found.max() == 5
        assert scale.natural(found) == pytest.approx(values, rel=1e-6, abs=1e-6)
        assert scale.natural(np.asarray([-100.0, 100.0])).tolist() == [lowest, highest]
    assert Scale.of_interactions().normalised(np.asarray([3.0, np.nan])).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("Drama|Comedy|Drama", ("Comedy", "Drama")),
        ("Drama; Comedy, black", ("Comedy, black", "Drama")),
        ("Food, Drink", ("Drink", "Food")),
        ("['Sci-Fi', 'Film-Noir']", ("Film-Noir", "Sci-Fi")),
        ('[{"id": 18, "name": "Drama"}, {"id": 35, "name": "Comedy"}]', ("Comedy", "Drama")),
        ("[{'id': 18, 'name': 'Drama'}]", ("Drama",)),
        ('["a|b"]', ("a/b",)),
        ("[not a list", ("[not a list",)),
        ("(no genres listed)", ()),
        ("[]", ()),
        ("| ", ()),
    ],
)
def test_genres_in_all_their_spellings(text, genres):
    assert listed(text) == genres
