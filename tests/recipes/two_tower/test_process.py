"""Who is evaluated: always the same users, and some who have something relevant."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.two_tower.config import CONFIG
from recipes.two_tower.process import process
from recipes.two_tower.ratings import RATINGS_FILE, Ratings
from trainyard.run.settings.overrides import override

USERS = 60
SETTINGS = override(CONFIG, {"data": {"max_evaluated_users": 10}})


def evaluated(folder, values):
    """Users of the holdout that `process` makes of a rating of each role by each of them; `values` are held out."""
    rows = [(user, film, role) for user in range(USERS) for film, role in enumerate(("train", "validation", "holdout"))]
    users, films, roles = zip(*rows, strict=True)
    ratings = np.where(np.asarray(roles) == "holdout", np.repeat(values, 3), 3.0)
    columns = {"user": users, "movie": films, "rating": ratings, "timestamp": films, "role": roles}
    keys = {"user": range(USERS), "user_id": [f"u{each}" for each in range(USERS)]}
    texts = {name: [f"{name} {each}" for each in range(3)] for name in ("movie_id", "title", "genres")}
    movies = {"movie": range(3), **texts, "year": [0] * 3}
    scale = {"rated": [True], "lowest": [1.0], "highest": [5.0], "relevant": [4.0]}
    for name, table in {"ratings": columns, "users": keys, "movies": movies, "scale": scale}.items():
        (folder / name).mkdir()
        pq.write_table(pa.table({key: pa.array(each) for key, each in table.items()}), folder / name / "part.parquet")
    process(folder, folder / "out", config=SETTINGS)
    return Ratings.load(folder / "out" / "holdout" / RATINGS_FILE).users


def test_the_choice_depends_on_keys_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = evaluated(tmp_path / "a", np.full(USERS, 5.0)), evaluated(tmp_path / "b", np.full(USERS, 4.0))
    assert len(first) == 10
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("rare", [[7], [7, 8, 9]])
def test_rare_relevant_ratings_are_among_the_evaluated(tmp_path, rare):
    (tmp_path / "all").mkdir()
    (tmp_path / "rare").mkdir()
    usual = evaluated(tmp_path / "all", np.full(USERS, 5.0))
    values = np.where(np.isin(np.arange(USERS), np.setdiff1d(rare, usual)), 5.0, 1.0)
    assert evaluated(tmp_path / "rare", values).tolist() == np.flatnonzero(values == 5.0).tolist()
