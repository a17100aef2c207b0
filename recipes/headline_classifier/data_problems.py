"""What is wrong with headlines, one sentence each, from how many there are of each class; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.headline_classifier.config import CLASSES, Data
from trainyard.contract.holdout import HOLDOUT, ROLES, TRAIN, VALIDATION

USES = {TRAIN: "learned", VALIDATION: "used to choose settings", HOLDOUT: "evaluated"}


def unknown(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Of categories that no class is called."""
    unknown = sorted(set(counts) - set(CLASSES))
    if not unknown:
        return ()
    lines = sum(counts[name] for name in unknown)
    return (
        f"headlines: expected CATEGORY to be one of {', '.join(CLASSES)}, found {lines:,} lines with others such as "
        f"{unknown[0]!r:.40}; correct the column.",
    )


def few(counts: Mapping[str, int], data: Data) -> tuple[str, ...]:
    """Of fewer headlines than are worth a run."""
    problems = []
    total = sum(counts.values())
    if total < data.min_headlines:
        problems.append(
            f"headlines: expected at least {data.min_headlines:,} headlines, found {total:,}; upload more, or lower "
            "data.min_headlines in run.json."
        )
    for name in CLASSES:
        if counts.get(name, 0) < data.min_per_class:
            problems.append(
                f"headlines: expected at least {data.min_per_class:,} headlines of CATEGORY {name}, found "
                f"{counts.get(name, 0):,}; upload more, or lower data.min_per_class in run.json."
            )
    return tuple(problems)


def few_stories(stories: int) -> tuple[str, ...]:
    """Of too few stories to hold some out."""
    # Below this a split by story leaves one of its parts with next to nothing.
    if stories >= 20:
        return ()
    return (
        f"headlines: expected at least 20 different values of STORY, found {stories:,}; stories decide what is held "
        "out, so check that the column holds them.",
    )


def nothing_held_out(split: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """Of a role without headlines, or nothing to tell apart."""
    totals = [sum(split[role].values()) for role in ROLES]
    learned = [name for name, count in split[TRAIN].items() if count]
    problems = []
    if min(totals) < 1:
        shown = ", ".join(f"{each:,}" for each in totals)
        problems.append(
            f"headlines: expected different headlines to train on, to choose settings by and to evaluate on, found "
            f"{shown}; stories decide which is which, so upload headlines of more stories."
        )
    elif len(learned) < 2:
        problems.append(
            f"headlines: expected different headlines of at least 2 categories to train on, found {learned[0]} alone; "
            "upload more stories of the others."
        )
    return tuple(problems)


def left_out(split: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """Warnings of classes that one of the roles lacks."""
    lacking = [(name, role) for name in CLASSES for role in ROLES if not split[role][name]]
    return tuple(
        f"headlines: expected headlines of CATEGORY {name} among those that are {USES[role]}, found none after "
        "copies were left out; upload more stories of it."
        for name, role in lacking
    )
