"""What is wrong with ratings and movies, one sentence each, from their figures; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.two_tower.config import Data
from trainyard.contract.holdout import ROLES

MAX_RATING = 1e6
MAX_TIMESTAMP = 2**53


def few_users(found: Mapping[str, float], data: Data) -> tuple[str, ...]:
    """Of fewer users than are worth a run."""
    if found["users"] >= data.min_users:
        return ()
    return (
        f"ratings: expected at least {data.min_users:,} users, found {found['users']:,.0f}; "
        "upload more ratings, or lower data.min_users in run.json.",
    )


def unknown(found: Mapping[str, float], data: Data) -> tuple[str, ...]:
    """Of movies that the catalogue lacks."""
    unknown, ratings = found["unknown_ratings"], found["ratings"]
    if unknown <= data.max_unknown_share * ratings:
        return ()
    return (
        f"ratings: expected every movie in movies.csv (tolerated: {data.max_unknown_share:.2%} of the ratings), "
        f"found {unknown:,.0f} of {ratings:,.0f} ratings of unknown movies, "
        f"such as movieId {found['unknown_example']:.0f}; upload the catalogue that belongs to these ratings, "
        "or raise data.max_unknown_share in run.json.",
    )


def constant(found: Mapping[str, float]) -> tuple[str, ...]:
    """Of ratings that say nothing."""
    lowest, highest = found.get("lowest_rating", 0.0), found.get("highest_rating", 0.0)
    if 0 <= lowest < highest:
        return ()
    return (
        f"ratings: expected ratings of different values, none below 0, found {lowest:g} to {highest:g}; "
        "check the column rating, where higher has to mean better.",
    )


def out_of_range(found: Mapping[str, float]) -> tuple[str, ...]:
    """Of numbers that models cannot compute with."""
    problems = []
    if found["highest_rating"] > MAX_RATING:
        problems.append(
            f"ratings: expected ratings of at most {MAX_RATING:,.0f}, found {found['highest_rating']:g}; divide the "
            "column rating by the same number everywhere."
        )
    first, last = found["first_timestamp"], found["last_timestamp"]
    if max(-first, last) > MAX_TIMESTAMP:
        problems.append(
            f"ratings: expected timestamp in seconds since 1970, found {first:,.0f} to {last:,.0f}; correct the column."
        )
    return tuple(problems)


def nothing_held_out(found: Mapping[str, float]) -> tuple[str, ...]:
    """Of a role without ratings."""
    counts = [found[f"{role}_ratings"] for role in ROLES]
    if min(counts) >= 1:
        return ()
    shown = ", ".join(f"{each:,.0f}" for each in counts)
    return (
        f"ratings: expected users who rated at least three movies of movies.csv, for ratings to train on, to choose "
        f"settings by and to evaluate on, found {shown} such ratings of {found['users']:,.0f} users; upload more "
        "ratings of the same users.",
    )


def nothing_relevant(found: Mapping[str, float], data: Data) -> tuple[str, ...]:
    """Of a role without anything that should be recommended."""
    counts = [found[f"{role}_relevant"] for role in ROLES[1:]]
    if min(counts) >= 1:
        return ()
    return (
        f"ratings: expected ratings of at least {data.relevant_rating:g} among the latest of each user, to choose "
        f"settings by and to evaluate on, found {counts[0]:,.0f} and {counts[1]:,.0f} where ratings go from "
        f"{found['lowest_rating']:g} to {found['highest_rating']:g}; lower data.relevant_rating in run.json.",
    )
