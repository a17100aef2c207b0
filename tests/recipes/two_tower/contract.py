"""What the contract test needs to know for a quick run of two_tower."""

from __future__ import annotations

from recipes.two_tower.process import HISTORIES_FILE
from recipes.two_tower.ratings import Ratings

SIZE = 6000
CHANGES = {"hyperparameters": {"rating_epochs": 2, "retrieval_epochs": 2}}


def requests(model_dir):
    known = Ratings.load(model_dir / HISTORIES_FILE)
    movie = int(known.movies[0])
    return [
        {"uid": int(known.users[0])},
        {"uid": -5, "count": 3},
        {"ratings": [{"movie_id": movie, "rating": 5.0}], "count": 4},
    ]
