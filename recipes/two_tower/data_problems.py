"""What is wrong with ratings and movies, and what is worth knowing of them, one sentence each; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.two_tower.config import Config, Data
from recipes.two_tower.feedback import Feedback
from trainyard.contract.holdout import ROLES
from trainyard.contract.quoting import plain

MAX_RATING = 1e6


def of_tables(figures: Mapping[str, float], found: Feedback, *, config: Config, example: str) -> tuple[str, ...]:
    """Everything that can be said before ratings are split; `example` is the key of a movie the catalogue lacks."""
    return (
        *_nothing(figures, found),
        *_few_users(figures, config.data),
        *_unknown(figures, config.data, example=example),
        *_without_scale(found),
        *_out_of_range(found),
        *_settings_for_ratings(found, config),
    )


def worth_knowing(figures: Mapping[str, float], found: Feedback, *, example: str) -> tuple[str, ...]:
    """Warnings: rows that do not count, and movies that the catalogue lacks."""
    warnings = []
    left_out = figures["uploaded_ratings"] - figures["ratings"]
    if left_out:
        why = "have no rating" if found.rated else "are of 0 or less, as returns are"
        rows = f"{left_out:,.0f} of {figures['uploaded_ratings']:,.0f} rows"
        warnings.append(f"ratings: {rows} are left out: they {why}.")
    if figures.get("unknown_movies"):
        warnings.append(
            f"movies: {figures['unknown_movies']:,.0f} of {figures['rated_movies']:,.0f} rated movies are not in the "
            f"catalogue, such as {plain(example)}; they are recommended all the same, under their key where "
            "there is no title."
        )
    return tuple(warnings)


def without_times(figures: Mapping[str, float]) -> tuple[str, ...]:
    """A note on ratings that nobody knows the order of."""
    untimed = figures["ratings"] - figures["timed_ratings"]
    if not untimed:
        return ()
    if not figures["timed_ratings"]:
        return ("ratings: there are no times, so each user's held-out ratings are chosen by a hash, not by time.",)
    return (f"ratings: {untimed:,.0f} of {figures['ratings']:,.0f} have no time, and count as the earliest.",)


def _nothing(figures: Mapping[str, float], found: Feedback) -> tuple[str, ...]:
    if figures["ratings"]:
        return ()
    wanted = "ratings with a value" if found.rated else "amounts above 0"
    return (f"ratings: expected {wanted}, found none in {figures['uploaded_ratings']:,.0f} rows; correct the column.",)


def _few_users(figures: Mapping[str, float], data: Data) -> tuple[str, ...]:
    if figures["users"] >= data.min_users:
        return ()
    return (
        f"ratings: expected at least {data.min_users:,} users, found {figures['users']:,.0f}; "
        "upload more ratings, or lower data.min_users in run.json.",
    )


def _unknown(figures: Mapping[str, float], data: Data, *, example: str) -> tuple[str, ...]:
    """A catalogue that lacks so many of the rated movies is that of something else."""
    unknown, ratings = figures.get("unknown_ratings", 0.0), figures["ratings"]
    if unknown <= data.max_unknown_share * ratings:
        return ()
    return (
        f"ratings: expected the movies to be in the catalogue (tolerated: {data.max_unknown_share:.0%} of the ratings "
        f"without), found {unknown:,.0f} of {ratings:,.0f} ratings of unknown movies, such as movieId "
        f"{plain(example)}; "
        "upload the catalogue that belongs to these ratings or none, or raise data.max_unknown_share in run.json.",
    )


def _without_scale(found: Feedback) -> tuple[str, ...]:
    if not found.rated or found.lowest < found.highest:
        return ()
    return (
        f'ratings: expected ratings of different values, for data.feedback is "ratings", found {found.highest:g} only; '
        "leave the setting out.",
    )


def _out_of_range(found: Feedback) -> tuple[str, ...]:
    """Of numbers that no scale of ratings reaches."""
    if not found.rated or max(-found.lowest, found.highest) <= MAX_RATING:
        return ()
    return (
        f"ratings: expected ratings of at most {MAX_RATING:,.0f}, found {found.lowest:g} to {found.highest:g}; divide "
        'the column by the same number everywhere, or, where it has amounts, set data.feedback to "interactions" in '
        "run.json.",
    )


def _settings_for_ratings(found: Feedback, config: Config) -> tuple[str, ...]:
    """Of settings that only ratings make sense of."""
    asked = {
        "hyperparameters.objective": config.hyperparameters.objective == "rating",
        "gate.primary": config.gate.primary == "negative_mse",
    }
    names = [name for name, wants_ratings in asked.items() if wants_ratings]
    if found.rated or not names:
        return ()
    return (f"ratings: expected ratings, for {' and '.join(names)} asks for them, found interactions; leave that out.",)


def nothing_held_out(found: Mapping[str, float]) -> tuple[str, ...]:
    """Of a role without ratings."""
    counts = [found[f"{role}_ratings"] for role in ROLES]
    if min(counts) >= 1:
        return ()
    shown = ", ".join(f"{each:,.0f}" for each in counts)
    why = f"found {shown} such ratings of {found['users']:,.0f} users"
    if found["most_ratings_of_a_user"] == 1:
        why = f"found that every one of {found['users']:,.0f} users has rated once only"
    return (
        "ratings: expected users who rated at least three movies each, one to learn from, one to choose settings by "
        f"and one to evaluate on, {why}; upload more ratings of the same users.",
    )


def nothing_relevant(found: Mapping[str, float], feedback: Feedback) -> tuple[str, ...]:
    """Of a role without anything that should be recommended."""
    counts = [found[f"{role}_relevant"] for role in ROLES[1:]]
    if min(counts) >= 1:
        return ()
    return (
        f"ratings: expected ratings of at least {feedback.relevant:g} among the latest of each user, to choose "
        f"settings by and to evaluate on, found {counts[0]:,.0f} and {counts[1]:,.0f} where ratings go from "
        f"{feedback.lowest:g} to {feedback.highest:g}; set a lower data.relevant_rating in run.json.",
    )
