"""What a run of two_tower can be told: source files, split, hyperparameters, search and gate; read everywhere.

Tables and columns are called as in MovieLens, whatever is recommended: a movie may be a book, an artist or a product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from recipes.two_tower.sources import LINKS, MOVIES, RATINGS, TAGS
from trainyard.contract.config import Card, Gate, Range, RecipeConfig, ScoreColumn, Share, TableData, Tuning, bounded
from trainyard.contract.sources import Source
from trainyard.contract.truth import Truth


@dataclass(frozen=True, kw_only=True)
class Data(TableData):
    """What is held out, what ratings mean and what is refused."""

    holdout_fraction: float = bounded(0.2, minimum=0.01, maximum=0.5, help="of each user's ratings, the latest")
    validation_fraction: float = bounded(
        0.1, minimum=0.01, maximum=0.5, help="of each user's other ratings, the latest"
    )
    feedback: Literal["detect", "ratings", "interactions"] = field(
        default="detect", metadata={"help": "whether the column rating has ratings, or rows only say what was chosen"}
    )
    relevant_rating: float | None = bounded(
        None,
        minimum=-1e6,
        maximum=1e6,
        help="a held-out movie rated like this or better should be recommended; null: what about half of them reach",
    )
    max_unknown_share: float = bounded(
        0.5, minimum=0.0, maximum=1.0, help="ratings whose movie may be missing from the catalogue"
    )
    min_users: int = bounded(20, minimum=2, maximum=1_000_000_000, help="users that data must hold to be worth a run")
    max_evaluated_users: int = bounded(
        20_000, minimum=10, maximum=10_000_000, help="users that a model is evaluated on, and validated on, at most"
    )


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """How the towers are trained; the names are those of the training job's hyperparameters."""

    objective: Literal["retrieval", "rating"] = "retrieval"
    embedding_size: int = bounded(32, minimum=2, maximum=512, help="numbers per user and movie vector")
    rating_epochs: int = bounded(10, minimum=1, maximum=500, help="passes over the ratings; the best one is kept")
    max_ratings: int = bounded(
        40_000_000,
        minimum=1_000,
        maximum=1_000_000_000_000,
        help="ratings seen in all these epochs, at most: those of large data see a part, drawn anew",
    )
    rating_learning_rate: float = bounded(3e-3, minimum=1e-6, maximum=0.1, help="falls to zero along a cosine")
    retrieval_epochs: int = bounded(6, minimum=1, maximum=500, help="passes over the users; the best one is kept")
    max_users: int = bounded(
        600_000,
        minimum=1_000,
        maximum=1_000_000_000_000,
        help="users seen in all these epochs, at most: those of large data see a part, drawn anew",
    )
    retrieval_learning_rate: float = bounded(2e-4, minimum=1e-6, maximum=0.1, help="falls to zero along a cosine")
    weight_decay: float = bounded(1.0, minimum=0.0, maximum=10.0, help="of the kernels, decoupled from the gradient")
    ease_l2: float = bounded(
        400.0,
        minimum=0.1,
        maximum=1e6,
        help="L2 penalty of EASE, which teaches retrieval: validation tries 0.4 to 16 times as much",
    )
    distillation: float = bounded(0.95, minimum=0.0, maximum=1.0, help="weight of EASE's scores against watched movies")
    temperature: float = bounded(0.05, minimum=1e-3, maximum=10.0, help="of EASE's scores: lower is more decided")
    novelty: float = bounded(
        0.0, minimum=0.0, maximum=2.0, help="more of the catalogue: scores are divided by this power of popularity"
    )


@dataclass(frozen=True, kw_only=True)
class Config(RecipeConfig):
    """The configuration of two_tower."""

    data: Data
    hyperparameters: Hyperparameters


CONFIG = Config(
    title="Movies for users by two towers",
    card=Card(
        purpose="Recommends items to users, known or new, by what they and others have rated or bought.",
        limits=(
            "Recommends what people like those in the data liked: what is popular comes more often than what is "
            "not, and an item that nobody has rated can be found by its description only. Ratings of persons are "
            "personal data."
        ),
    ),
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_ranked_ndcg_at_10",
        direction="Maximize",
        metrics=("validation_ndcg_at_10", "validation_rmse"),
        ranges={
            "retrieval_learning_rate": Range(type="continuous", minimum=1e-5, maximum=5e-3, scaling="Logarithmic"),
            "ease_l2": Range(type="continuous", minimum=20.0, maximum=2000.0, scaling="Logarithmic"),
        },
    ),
    gate=Gate(primary="ndcg_at_10", minimum={"ndcg_at_10": 0.02}, maximum={"relative_rmse": 1.2}),
)

# What is watched of recommendations: the key of the first of each list, for those below it depend on it.
BEST_MOVIE = "best_movie"
SHARES = (Share(name="unknown_movies", of="ratings"),)

# What bulk scoring writes.
SCORES = (
    ScoreColumn(name="user_id", type="string", comment="of the ratings", spread=False),
    ScoreColumn(name="rated", type="int", comment="ratings that the answer is based on", ranked=True),
    ScoreColumn(
        name="recommended",
        type="array<struct<movie_id:string,title:string,score:double,rating:double>>",
        comment="the best ten movies that the user has not rated, the best first; rating is null without ratings",
    ),
)
# Films that users chose later on: one row for each.
TRUTH = Truth(
    key="user_id",
    predicted=("recommended",),
    label="id",
    several=True,
    ids=("user_id", "uid", "user"),
    labels=("movie_id", "movie", "item_id", "item", "product_id", "chosen"),
    asked="uid",
)


def sources(config: Config) -> tuple[Source, ...]:
    """The tables two_tower reads; `tags` and `links` only label the table of movies."""
    return RATINGS, MOVIES, TAGS, LINKS
