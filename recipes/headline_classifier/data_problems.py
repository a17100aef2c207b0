"""What is wrong with headlines, one sentence each, from how many there are of each class; runs in Glue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from recipes.headline_classifier.classes import in_order, listing
from recipes.headline_classifier.config import Data
from trainyard.contract.holdout import HOLDOUT, ROLES, TRAIN, VALIDATION
from trainyard.contract.sources import plain_name

USES = {TRAIN: "learned", VALIDATION: "used to choose settings", HOLDOUT: "evaluated"}
MAX_CLASSES = 100
# Beyond this a column of texts is told from one of classes, whatever else it holds.
MAX_COUNTED = 100_000
# Below this a split by story leaves one of its parts with next to nothing.
MIN_STORIES = 20
RIGHT_COLUMN = "say in run.json which column has the classes, under files.headlines.columns.CATEGORY"


def of_classes(counts: Mapping[str, int], *, lines: int, data: Data) -> tuple[str, ...]:
    """Of headlines by their classes, the commonest first: the first of the reasons why none can be learned."""
    kept = [name for name, count in counts.items() if count >= data.min_per_class]
    used, total = sum(counts[name] for name in kept), sum(counts.values())
    if not counts:
        return (f"headlines: expected a CATEGORY to learn, found none in {lines:,} lines; {RIGHT_COLUMN}.",)
    if total < data.min_headlines:
        return (
            f"headlines: expected at least {data.min_headlines:,} headlines that are no copies, found {total:,}; "
            "upload more, or lower data.min_headlines in run.json.",
        )
    most, headlines = next(iter(counts.items()))
    found = f"{len(counts):,} with at most {headlines:,} (such as {most[:40]!r})"
    if len(counts) == 1:
        found = f"{most[:40]!r} alone"
    if len(kept) < 2 or 2 * used < total:
        return (
            f"headlines: expected at least 2 categories with at least {data.min_per_class:,} headlines each, and most "
            f"headlines in such, found {found}; {RIGHT_COLUMN}, upload more of each, or lower data.min_per_class.",
        )
    if len(kept) > MAX_CLASSES:
        return (
            f"headlines: expected at most {MAX_CLASSES} categories, found {len(kept):,}, such as "
            f"{listing(kept)}; {RIGHT_COLUMN}, or raise data.min_per_class to leave out the rare ones.",
        )
    return ()


def few_stories(stories: int) -> tuple[str, ...]:
    """Of too few stories to hold some out."""
    if stories >= MIN_STORIES:
        return ()
    return (
        f"headlines: expected at least {MIN_STORIES} different values of STORY, or texts that are not nearly alike, "
        f"found {stories:,}; they decide what is held out, so upload more, or check that the column holds them.",
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


def lines_left_out(lines: int, copies: Mapping[str, int]) -> tuple[str, ...]:
    """Warnings of lines that nothing can be learned from, and of copies that contradict each other."""
    warnings = []
    if unlabelled := lines - copies["headlines"]:
        warnings.append(
            f"headlines: expected a CATEGORY in every line, found none in {unlabelled:,} of {lines:,}; they are left "
            "out."
        )
    if disputed := copies["disputed"]:
        warnings.append(
            f"headlines: expected one CATEGORY of a headline, found several of {disputed:,} headlines that come more "
            "than once; the one with the smallest ID counts."
        )
    return tuple(warnings)


def classes_left_out(counts: Mapping[str, int], data: Data) -> tuple[str, ...]:
    """The warning of classes with too few headlines to be learned and judged."""
    rare = {name: count for name, count in counts.items() if count < data.min_per_class}
    if not rare:
        return ()
    named = listing([f"{name[:40]} ({count:,})" for name, count in rare.items()], most=8)
    total = sum(rare.values())
    return (
        f"headlines: expected at least {data.min_per_class:,} headlines of a CATEGORY, found fewer of {named}; "
        f"{total:,} headlines are left out; upload more of them, or lower data.min_per_class in run.json.",
    )


def classes_alike(classes: Iterable[str]) -> tuple[str, ...]:
    """The warning of classes that differ in case, spaces and punctuation only."""
    spellings: dict[str, list[str]] = {}
    for name in classes:
        spellings.setdefault(plain_name(name), []).append(name)
    several = [" and ".join(each[:40] for each in in_order(names)) for names in spellings.values() if len(names) > 1]
    if not several:
        return ()
    return (
        f"headlines: expected each CATEGORY in one spelling, found {listing(several)}; they count as different, so "
        "write them alike where they are one.",
    )


def roles_without(split: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """Warnings of classes that one of the roles lacks."""
    lacking = {role: in_order(name for name, count in split[role].items() if not count) for role in ROLES}
    return tuple(_without(names, role) for role, names in lacking.items() if names)


def _without(names: Sequence[str], role: str) -> str:
    return (
        f"headlines: expected headlines of CATEGORY {listing(names, most=8)} among those that are {USES[role]}, found "
        "none after copies were left out; upload more stories of it."
    )
