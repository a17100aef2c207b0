"""Judges the headline file and keeps one copy of every headline with its role; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from recipes.headline_classifier import data_problems
from recipes.headline_classifier.config import CLASSES, Config, Data
from trainyard.contract.holdout import ROLES, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "headline_classifier"


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
    problems = (*data_problems.unknown(counts), *data_problems.few(counts, data), *data_problems.few_stories(stories))
    # What follows from another problem is no second one.
    if problems:
        return Quality(problems=problems, figures=figures)
    split = _split_counts(headlines, data)
    figures |= {f"{role}_headlines": float(sum(split[role].values())) for role in ROLES}
    return Quality(
        problems=data_problems.nothing_held_out(split), warnings=data_problems.left_out(split), figures=figures
    )


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


def _plain(title: ibis.Value) -> ibis.Value:
    """Letters and digits of a title; titles in other scripts, of which nothing would be left, stay as they are."""
    lower = title.lower()
    plain = lower.re_replace("[^a-z0-9]+", " ").strip()
    return ibis.ifelse(plain == "", lower, plain)
