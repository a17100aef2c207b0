"""Judges the headline file and keeps one copy of every headline with its role; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from recipes.headline_classifier.config import CLASSES, Config, Data
from trainyard.contract.holdout import HOLDOUT, TRAIN, VALIDATION, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "headline_classifier"
ROLES = (TRAIN, VALIDATION, HOLDOUT)
USES = {TRAIN: "learned", VALIDATION: "used to choose settings", HOLDOUT: "evaluated"}


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses categories other than b, t, e and m, too few headlines, and classes that hardly occur.

    Also headlines of which none is left to train on, to choose settings by or to evaluate on. A class that is left out
    of one of these is worth a warning.
    """
    headlines, data = tables["headlines"], config.data
    counted = rows(headlines.group_by("CATEGORY").agg(headlines=headlines.count()))
    counts = {str(row["CATEGORY"]): int(row["headlines"]) for row in counted}
    stories = int(rows(headlines.agg(stories=headlines.STORY.nunique()))[0]["stories"])
    figures = {"headlines": float(sum(counts.values())), "stories": float(stories)}
    figures |= {f"class_{name}": float(counts.get(name, 0)) for name in CLASSES}
    problems = (*_unknown(counts), *_few(counts, data), *_few_stories(stories))
    # What follows from another problem is no second one.
    if problems:
        return Quality(problems=problems, figures=figures)
    split = _split_counts(headlines, data)
    figures |= {f"{role}_headlines": float(sum(split[role].values())) for role in ROLES}
    return Quality(problems=_nothing_held_out(split), warnings=_left_out(split), figures=figures)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `headlines`: headline_id, story, category, title, role (train, validation or holdout), sorted by headline_id. Of
      headlines that differ in case and punctuation only, the one with the smallest id stays. The role belongs to the
      story: headlines of one story are near-duplicates, and a model must not be judged on copies of what it has seen.
    * `corpus` (line) and `word_pairs` (first, second, similarity): where they were uploaded.
    """
    kept = _kept(tables["headlines"], config.data)
    prepared = {
        "headlines": kept.select(
            headline_id=kept.ID, story=kept.STORY, category=kept.CATEGORY, title=kept.TITLE, role=kept.role
        ).order_by("headline_id")
    }
    if "corpus" in tables:
        prepared["corpus"] = tables["corpus"].filter(lambda row: row.line.notnull())
    if "word_pairs" in tables:
        pairs = tables["word_pairs"]
        pairs = pairs.select(first=pairs["Word 1"], second=pairs["Word 2"], similarity=pairs["Human (mean)"])
        prepared["word_pairs"] = pairs.order_by("first", "second")
    return prepared


def _kept(headlines: ibis.Table, data: Data) -> ibis.Table:
    """One copy of every headline, with its role."""
    first = headlines.mutate(plain=_plain(headlines.TITLE)).group_by("plain").agg(ID=lambda row: row.ID.min())
    kept = headlines.semi_join(first, "ID")
    role = role_of(kept.STORY, holdout=data.holdout_fraction, validation=data.validation_fraction, salt=SALT)
    return kept.mutate(role=role)


def _split_counts(headlines: ibis.Table, data: Data) -> dict[str, dict[str, int]]:
    """How many headlines of each class are left for each role."""
    kept = _kept(headlines, data)
    counts = {role: dict.fromkeys(CLASSES, 0) for role in ROLES}
    for row in rows(kept.group_by("role", "CATEGORY").agg(headlines=kept.count())):
        counts[str(row["role"])][str(row["CATEGORY"])] = int(row["headlines"])
    return counts


def _nothing_held_out(split: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
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


def _left_out(split: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    lacking = [(name, role) for name in CLASSES for role in ROLES if not split[role][name]]
    return tuple(
        f"headlines: expected headlines of CATEGORY {name} among those that are {USES[role]}, found none after "
        "copies were left out; upload more stories of it."
        for name, role in lacking
    )


def _plain(title: ibis.Value) -> ibis.Value:
    """Letters and digits of a title; titles in other scripts, of which nothing would be left, stay as they are."""
    lower = title.lower()
    plain = lower.re_replace("[^a-z0-9]+", " ").strip()
    return ibis.ifelse(plain == "", lower, plain)


def _unknown(counts: Mapping[str, int]) -> tuple[str, ...]:
    unknown = sorted(set(counts) - set(CLASSES))
    if not unknown:
        return ()
    lines = sum(counts[name] for name in unknown)
    return (
        f"headlines: expected CATEGORY to be one of {', '.join(CLASSES)}, found {lines:,} lines with others such as "
        f"{unknown[0]!r:.40}; correct the column.",
    )


def _few(counts: Mapping[str, int], data: Data) -> tuple[str, ...]:
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


def _few_stories(stories: int) -> tuple[str, ...]:
    # Below this a split by story leaves one of its parts with next to nothing.
    if stories >= 20:
        return ()
    return (
        f"headlines: expected at least 20 different values of STORY, found {stories:,}; stories decide what is held "
        "out, so check that the column holds them.",
    )
