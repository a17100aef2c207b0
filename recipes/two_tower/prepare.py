"""Checks the rating files and splits each user's ratings by time; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.two_tower import data_problems, feedback
from recipes.two_tower.catalogue_tables import catalogue, native_keys, tagged, unknown_ratings
from recipes.two_tower.config import Config, Data
from recipes.two_tower.feedback import Feedback
from recipes.two_tower.keys import numbered, text
from trainyard.contract.holdout import HOLDOUT, ROLES, TRAIN, VALIDATION, fraction_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "two_tower"
# Of more ratings than this, those of some users are looked at first: splitting all takes long.
GLANCE_ABOVE, GLANCE = 1_000_000, "04"


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses too few users, a catalogue of other movies, and ratings that are huge, or missing where some are needed.

    Also ratings of which none is left to train on, to choose settings by or to evaluate on. Notes what ratings mean.
    """
    found = feedback.learned(tables["ratings"], config.data)
    kept = found.kept(tables["ratings"])
    counted = _figures(tables, kept)
    figures = {name: float(value) for name, value in counted.items() if isinstance(value, int | float)}
    example = str(counted.get("unknown_example"))
    problems = data_problems.of_tables(figures, found, config=config, example=example)
    # Last, for it costs most: what follows from another problem is no second one.
    if not problems and (
        figures["ratings"] <= GLANCE_ABOVE or _split_problems(_glance(kept), figures, found=found, data=config.data)[0]
    ):
        problems, split = _split_problems(kept, figures, found=found, data=config.data)
        figures |= split
    return Quality(
        problems=problems,
        warnings=data_problems.worth_knowing(figures, found, example=example),
        notes=(found.sentence, *data_problems.without_times(figures)),
        figures=figures,
    )


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `ratings`: user, movie (indices), rating, timestamp (seconds since 1970) and role, sorted by user and movie. Each
      user's latest ratings are `holdout`, the latest of the others `validation`, the rest `train`; ratings of the same
      second, and all where there are no times, are put in an order by a hash of user and movie. Who rated once only has
      that rating in `train`.
    * `users`: user, and user_id (the key as text). `movies`: see `catalogue_tables.catalogue`.
    * `scale`: one row with what ratings mean: rated, lowest, highest, relevant; see `scale.Scale`.
    """
    found = feedback.learned(tables["ratings"], config.data)
    kept = found.kept(tables["ratings"])
    movies, users = catalogue(tables, kept), _users(kept)
    indexed = _split(kept, config.data).join(users, "userId").join(native_keys(kept, movies), "movieId")
    return {
        "ratings": indexed.select("user", "movie", "rating", "timestamp", "role").order_by(["user", "movie"]),
        "users": users.select("user", "user_id").order_by("user"),
        "movies": movies.order_by("movie"),
        "scale": _scale(kept, found),
    }


def _users(kept: ibis.Table) -> ibis.Table:
    """userId as it is in the ratings, user and user_id."""
    distinct = kept.select("userId").distinct()
    return numbered(distinct.mutate(user_id=text(distinct.userId)), "user_id", name="user")


def _scale(kept: ibis.Table, found: Feedback) -> ibis.Table:
    values = {name: ibis.literal(getattr(found, name), type="float64") for name in ("lowest", "highest", "relevant")}
    # Made of a table that the engine has: one of this process's memory does not reach its executors.
    return kept.agg(n=kept.count()).select(rated=ibis.literal(found.rated), **values)


def _split(kept: ibis.Table, data: Data) -> ibis.Table:
    """The ratings with their roles: by time, and by a hash of what has the same time."""
    key = text(kept.userId).concat(" ", text(kept.movieId))
    keyed = kept.mutate(tie=fraction_of(key, SALT), timestamp=_seconds(kept))
    ordered = ibis.window(group_by=keyed.userId, order_by=[keyed.timestamp, keyed.tie, keyed.movieId])
    of_user = ibis.window(group_by=keyed.userId)
    counted = keyed.mutate(position=ibis.row_number().over(ordered), rated=keyed.count().over(of_user))
    earlier = counted.rated - _share(counted.rated, data.holdout_fraction)
    train = earlier - _share(earlier, data.validation_fraction)
    role = ibis.cases((counted.position < train, TRAIN), (counted.position < earlier, VALIDATION), else_=HOLDOUT)
    return counted.select("userId", "movieId", "rating", "timestamp", role=role)


def _seconds(kept: ibis.Table) -> Any:
    """Seconds since 1970; of a rating without a time, those of the earliest one, or 0 where there are none."""
    seconds = kept.timestamp.epoch_seconds().cast("int64")
    # A subquery: a window over all rows would keep them all.
    return ibis.coalesce(seconds, seconds.min().as_scalar(), 0)


def _share(count: Any, fraction: float) -> Any:
    """This fraction of `count`, rounded, at least one, but never all. Half up: engines round halves differently."""
    rounded = (count.cast("float64") * fraction + 0.5).floor().cast("int64")
    return ibis.least(ibis.greatest(rounded, 1), count.cast("int64") - 1)


def _figures(tables: Mapping[str, ibis.Table], kept: ibis.Table) -> dict[str, Any]:
    """Figures of the rows that count, and an example of a movie that the catalogue lacks, where there is one."""
    ratings = tables["ratings"]
    per_user = kept.group_by("userId").agg(n=kept.count())
    parts = [
        ratings.agg(uploaded_ratings=ratings.count()),
        kept.agg(ratings=kept.count(), rated_movies=kept.movieId.nunique(), timed_ratings=kept.timestamp.count()),
        per_user.agg(users=per_user.count(), most_ratings_of_a_user=per_user.n.max()),
    ]
    if "movies" in tables:
        unknown = unknown_ratings(kept, tables["movies"])
        parts += [
            tables["movies"].agg(catalogue_movies=tables["movies"].count()),
            unknown.agg(
                unknown_ratings=unknown.count(),
                unknown_movies=unknown.movieId.nunique(),
                unknown_example=text(unknown.movieId).min(),
            ),
        ]
    if "tags" in tables:
        tags = tagged(tables["tags"])
        parts.append(tags.agg(tags=tags.count()))
    return {name: value for part in parts for name, value in rows(part)[0].items()}


def _glance(kept: ibis.Table) -> ibis.Table:
    """The ratings of one in 64 users: what they have, all have."""
    users = kept.select("userId").distinct()
    # Two of the digits of a hash are enough to choose by: there are 256 of them.
    digits = text(users.userId).hexdigest("md5").substr(0, 2)
    return kept.semi_join(users.filter(digits < GLANCE), "userId")


def _split_problems(
    kept: ibis.Table, figures: Mapping[str, float], *, found: Feedback, data: Data
) -> tuple[tuple[str, ...], dict[str, float]]:
    """What is wrong with the split of these ratings, and its figures."""
    split = _split(kept, data)
    counts = {f"{role}_ratings": split.count(where=split.role == role) for role in ROLES}
    relevant = split.rating >= found.relevant
    counts |= {f"{role}_relevant": split.count(where=(split.role == role) & relevant) for role in ROLES[1:]}
    measured = {name: float(value) for name, value in rows(split.agg(**counts))[0].items()}
    together = {**figures, **measured}
    return data_problems.nothing_held_out(together) or data_problems.nothing_relevant(together, found), measured
