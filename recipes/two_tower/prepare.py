"""Checks the rating files and splits each user's ratings by time; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.two_tower import data_problems
from recipes.two_tower.config import Config, Data
from trainyard.contract.holdout import HOLDOUT, ROLES, TRAIN, VALIDATION, fraction_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "two_tower"
# Of more ratings than this, those of one in so many users are looked at first: splitting all takes long.
GLANCE_ABOVE, GLANCE = 1_000_000, 64
# The year at the end of a title: "Toy Story (1995)".
YEAR = r"\((\d{4})[^()]*\)\s*$"
# Models compute in 32 bits, where squares of greater ratings are no numbers; whole numbers stay exact below 2^53.


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses too few users, too many ratings of movies outside the catalogue, and ratings that are all equal or huge.

    Also ratings of which none is left to train on, to choose settings by or to evaluate on.
    """
    data = config.data
    found = _figures(tables["ratings"], tables["movies"])
    figures = {name: float(value) for name, value in found.items()}
    problems = (
        *data_problems.few_users(figures, data),
        *data_problems.unknown(figures, data),
        *data_problems.constant(figures),
        *data_problems.out_of_range(figures),
    )
    # Last, for it costs most: what follows from another problem is no second one.
    if problems or (figures["ratings"] > GLANCE_ABOVE and not _split_problems(_glance(tables), figures, data=data)[0]):
        return Quality(problems=problems, figures=figures)
    problems, split = _split_problems(tables, figures, data=data)
    return Quality(problems=problems, figures=figures | split)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `ratings`: user_id, movie_id, rating, timestamp and role, sorted by user and movie. Each user's latest ratings are
      `holdout`, the latest of the others `validation`, the rest `train`; ratings of the same second are put in an order
      by a hash of user and movie. Who rated once only has that rating in `train`.
    * `movies`: movie_id, title and genres (empty where the file has none), year (0 where the title ends with none),
      imdb_id and tag (the most frequent; both null where they are not known), sorted by movie_id.
    """
    return {
        "ratings": _ratings(tables, config.data).order_by(["user_id", "movie_id"]),
        "movies": _movies(tables),
    }


def _ratings(tables: Mapping[str, ibis.Table], data: Data) -> ibis.Table:
    rated = tables["ratings"].semi_join(tables["movies"], "movieId")
    key = rated.userId.cast("string").concat(" ", rated.movieId.cast("string"))
    keyed = rated.mutate(tie=fraction_of(key, SALT))
    ordered = ibis.window(group_by=keyed.userId, order_by=[keyed.timestamp, keyed.tie, keyed.movieId])
    of_user = ibis.window(group_by=keyed.userId)
    numbered = keyed.mutate(position=ibis.row_number().over(ordered), rated=keyed.count().over(of_user))
    earlier = numbered.rated - _share(numbered.rated, data.holdout_fraction)
    train = earlier - _share(earlier, data.validation_fraction)
    role = ibis.cases((numbered.position < train, TRAIN), (numbered.position < earlier, VALIDATION), else_=HOLDOUT)
    return numbered.select(
        user_id=numbered.userId,
        movie_id=numbered.movieId,
        rating=numbered.rating,
        timestamp=numbered.timestamp,
        role=role,
    )


def _share(count: Any, fraction: float) -> Any:
    """This fraction of `count`, rounded, at least one, but never all. Half up: engines round halves differently."""
    rounded = (count.cast("float64") * fraction + 0.5).floor().cast("int64")
    return ibis.least(ibis.greatest(rounded, 1), count.cast("int64") - 1)


def _movies(tables: Mapping[str, ibis.Table]) -> ibis.Table:
    movies = tables["movies"]
    movies = movies.mutate(title=movies.title.fill_null(""), genres=movies.genres.fill_null(""))
    found = movies.title.re_extract(YEAR, 1)
    year = ibis.ifelse(found == "", None, found).cast("int64").fill_null(0)
    described = movies.select(movie_id=movies.movieId, title=movies.title, genres=movies.genres, year=year)
    return (
        described.left_join(_imdb(tables.get("links"), movies), "movie_id")
        .drop("movie_id_right")
        .left_join(_main_tags(tables.get("tags"), movies), "movie_id")
        .drop("movie_id_right")
        .order_by("movie_id")
    )


def _imdb(links: ibis.Table | None, movies: ibis.Table) -> ibis.Table:
    if links is None:
        return movies.limit(0).select(movie_id=movies.movieId, imdb_id=movies.title)
    return links.select(movie_id=links.movieId, imdb_id=links.imdbId)


def _main_tags(tags: ibis.Table | None, movies: ibis.Table) -> ibis.Table:
    if tags is None:
        return movies.limit(0).select(movie_id=movies.movieId, tag=movies.title)
    lowered = tags.select(movie_id=tags.movieId, tag=tags.tag.lower())
    counted = lowered.group_by(["movie_id", "tag"]).agg(times=lowered.count())
    by_times = ibis.window(group_by=counted.movie_id, order_by=[counted.times.desc(), counted.tag])
    ranked = counted.mutate(rank=ibis.row_number().over(by_times))
    return ranked.filter(ranked.rank == 0).select("movie_id", "tag")


def _figures(ratings: ibis.Table, movies: ibis.Table) -> Mapping[str, Any]:
    unknown = ratings.anti_join(movies, "movieId")
    figures = ibis.cross_join(
        ratings.agg(
            ratings=ratings.count(),
            users=ratings.userId.nunique(),
            rated_movies=ratings.movieId.nunique(),
            lowest_rating=ratings.rating.min(),
            highest_rating=ratings.rating.max(),
            first_timestamp=ratings.timestamp.min(),
            last_timestamp=ratings.timestamp.max(),
        ),
        unknown.agg(unknown_ratings=unknown.count(), unknown_example=unknown.movieId.min()),
        movies.agg(movies=movies.count()),
    )
    row: Mapping[str, Any] = rows(figures)[0]
    return {name: value for name, value in row.items() if value is not None}


def _glance(tables: Mapping[str, ibis.Table]) -> Mapping[str, ibis.Table]:
    """The ratings of one in `GLANCE` users: what they have, all have."""
    ratings = tables["ratings"]
    return {**tables, "ratings": ratings.filter(ratings.userId % GLANCE == 0)}


def _split_problems(
    tables: Mapping[str, ibis.Table], figures: Mapping[str, float], *, data: Data
) -> tuple[tuple[str, ...], dict[str, float]]:
    """What is wrong with the split of these ratings, and its figures."""
    split = _split_figures(tables, data)
    found = {**figures, **split}
    return data_problems.nothing_held_out(found) or data_problems.nothing_relevant(found, data), split


def _split_figures(tables: Mapping[str, ibis.Table], data: Data) -> dict[str, float]:
    """Ratings of each role as `prepare` splits them, and how many of them are relevant."""
    split = _ratings(tables, data)
    counts = {f"{role}_ratings": split.count(where=split.role == role) for role in ROLES}
    relevant = split.rating >= data.relevant_rating
    counts |= {f"{role}_relevant": split.count(where=(split.role == role) & relevant) for role in ROLES[1:]}
    return {name: float(value) for name, value in rows(split.agg(**counts))[0].items()}
