"""What the contract test needs to know for a quick run of two_tower."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.two_tower import score, serve
from recipes.two_tower.config import CONFIG
from recipes.two_tower.histories import Histories
from recipes.two_tower.inference import Recommender

SIZE = 6000
CHANGES = {"hyperparameters": {"rating_epochs": 2, "retrieval_epochs": 2}}


def requests(model_dir):
    recommender, histories = opened(model_dir)
    movie = recommender.movies.written_ids[histories.ratings.movies[0]]
    return [
        {"uid": histories.written_keys[0]},
        {"uid": "nobody", "count": 3},
        {"ratings": [{"movie_id": movie, "rating": 5.0}], "count": 4},
    ]


def served_as(_rows, model_dir, tables):
    """Users with what the model has learned of them, scored in bulk and asked for one by one."""
    recommender, histories = opened(model_dir)
    known = histories.ratings
    users, movies = (pa.array(each, pa.string()) for each in (histories.keys, recommender.movies.ids))
    columns = {"userId": users.take(pa.array(known.users[known.user_rows])), "movieId": movies.take(known.movies)}
    learned = tables.with_name("score-learned")
    (learned / "ratings").mkdir(parents=True)
    times = pa.array(known.times.astype(np.int64)).cast(pa.timestamp("s")).cast(pa.timestamp("us"))
    rated = pa.table({**columns, "rating": known.values.astype(float), "timestamp": times})
    pq.write_table(rated, learned / "ratings" / "part-00000.parquet")
    rows = [row for table in score.score(model_dir, learned, config=CONFIG) for row in table.to_pylist()]
    answers = serve.load(model_dir).predict([{"uid": each["user_id"]} for each in rows])
    for answer in answers:
        for movie in answer["recommended"]:
            del movie["genres"]
            movie["movie_id"] = str(movie["movie_id"])
    return [{"recommended": each["recommended"], "rated": each["rated"]} for each in rows], answers


def evaluated(model_dir, _holdout):
    """Users, and their top tens and expected ratings as evaluation finds them."""
    recommender, known = opened(model_dir)
    ratings = known.ratings.encoded(np.arange(len(recommender.movies)), recommender.scale)
    histories = ratings.take(np.arange(min(len(ratings.users), 150)))
    answers = []
    for row, (movies, scores) in enumerate(recommender.recommend(histories, 10)):
        expected = recommender.expected_ratings(histories, np.full(len(movies), row), movies=movies)
        found = [_movie(recommender, *each) for each in zip(movies.tolist(), scores, expected, strict=True)]
        answers.append({"recommended": found, "rated": int(histories.lengths[row])})
    return [{"uid": known.keys[each]} for each in histories.users], answers


def opened(model_dir):
    recommender = Recommender.load(model_dir)
    return recommender, Histories.load(model_dir, recommender.movies)


def _movie(recommender, index, score, rating):
    movies = recommender.movies
    return {
        "movie_id": movies.written_ids[index],
        "title": movies.titles[index],
        "genres": list(movies.genres_of(index)),
        "score": float(score),
        "rating": round(float(rating), 2),
    }
