"""Judges the headline file and keeps one copy of every headline with its role; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from recipes.headline_classifier import data_problems
from recipes.headline_classifier.config import Config, Data
from recipes.headline_classifier.texts import near_copies
from trainyard.contract.holdout import HOLDOUT, ROLES, VALIDATION, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "headline_classifier"
# Instead of a role: nearly a copy of a headline that is held out or used to choose settings.
STRADDLES = "straddles"


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses too few headlines or classes, too many classes, and data of which nothing can be held out.

    Classes with fewer headlines than `data.min_per_class` are left out, which is a warning; so is a class that is left
    out of one of the roles.
    """
    headlines, data = tables["headlines"], config.data
    lines = int(rows(headlines.agg(lines=headlines.count()))[0]["lines"])
    labelled = _labelled(headlines, data)
    counts = _counts(_distinct(labelled))
    classes = {name: count for name, count in counts.items() if count >= data.min_per_class}
    figures = {"lines": float(lines), "headlines": float(sum(classes.values())), "classes": float(len(classes))}
    figures["left_out"] = float(sum(counts.values()) - sum(classes.values()))
    if problems := data_problems.of_classes(counts, lines=lines, data=data):
        # What follows from another problem is no second one.
        return Quality(problems=problems, figures=figures)
    copies = _copies(labelled)
    warnings = (
        *data_problems.lines_left_out(lines, copies),
        *data_problems.classes_left_out(counts, data),
        *data_problems.classes_alike(classes),
    )
    split, groups = _split_counts(_with_roles(_used(headlines, data), data), list(classes))
    figures |= {"stories": float(groups), "copies": float(copies["headlines"] - sum(counts.values()))}
    figures |= {f"{role}_headlines": float(sum(split[role].values())) for role in ROLES}
    figures["near_copies"] = float(sum(split[STRADDLES].values()))
    problems = data_problems.few_stories(groups) or data_problems.nothing_held_out(split)
    return Quality(problems=problems, warnings=(*warnings, *data_problems.roles_without(split)), figures=figures)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `headlines`: headline_id, story, category, title, role (train, validation or holdout), sorted by headline_id; url
      and publisher where `data` reads them. The title has the description behind it where there is one. Of headlines
      that differ in case and punctuation only, the one with the smallest id stays. The role belongs to the story:
      headlines of one story are near-duplicates, and a model must not be judged on copies of what it has seen. Without
      a story, headlines that are nearly alike are one.
    * `corpus` (line), `word_pairs` (first, second, similarity) and `class_names` (category, name): where they were
      uploaded.
    """
    kept = _with_roles(_used(tables["headlines"], config.data), config.data)
    kept = kept.filter(kept.role != STRADDLES)
    prepared = {
        "headlines": kept.select(
            *config.data.source_columns,
            headline_id=kept.id,
            story=kept.group,
            category=kept.category,
            title=kept.title,
            role=kept.role,
        ).order_by("headline_id", "title")
    }
    if "corpus" in tables:
        prepared["corpus"] = tables["corpus"].filter(lambda row: row.line.notnull())
    if "word_pairs" in tables:
        pairs = tables["word_pairs"]
        pairs = pairs.select(first=pairs["Word 1"], second=pairs["Word 2"], similarity=pairs["Human (mean)"])
        prepared["word_pairs"] = pairs.order_by("first", "second")
    if "class_names" in tables:
        named = tables["class_names"]
        prepared["class_names"] = named.select(category=named["class"].cast("string"), name=named.name)
    return prepared


def _labelled(headlines: ibis.Table, data: Data) -> ibis.Table:
    """Headlines with a class: id, story, category, title (with description) and plain text, keys as text; source."""
    # As `tokenizer.joined` has it.
    title = ibis.ifelse(
        ibis.coalesce(headlines.DESCRIPTION, "") == "",
        headlines.TITLE,
        headlines.TITLE.concat(". ", headlines.DESCRIPTION),
    )
    text = headlines.select(
        id=headlines.ID.cast("string"),
        story=headlines.STORY.cast("string"),
        category=headlines.CATEGORY.cast("string"),
        title=title,
        plain=near_copies.plain(title),
        **{name: headlines[name.upper()] for name in data.source_columns},
    )
    labelled = text.filter(text.category.notnull())
    return labelled.mutate(id=ibis.coalesce(labelled.id, labelled.title.hexdigest("md5")))


def _distinct(labelled: ibis.Table) -> ibis.Table:
    """One copy of every headline: that with the smallest id; shorter ids are smaller, as it is with numbers."""
    order = [labelled.id.length(), labelled.id, labelled.title, labelled.category, labelled.story]
    ranked = labelled.mutate(copy=ibis.row_number().over(group_by=labelled.plain, order_by=order))
    return ranked.filter(ranked.copy == 0).drop("copy")


def _copies(labelled: ibis.Table) -> dict[str, int]:
    """How many headlines have a class, and how many different ones come in more than one."""
    texts = labelled.group_by("plain").agg(headlines=labelled.count(), classes=labelled.category.nunique())
    counted = texts.agg(headlines=texts.headlines.sum(), disputed=(texts.classes > 1).cast("int64").sum())
    return {name: int(value) for name, value in rows(counted)[0].items()}


def _counts(distinct: ibis.Table) -> dict[str, int]:
    """Headlines of each class, the commonest first."""
    counted = distinct.group_by("category").agg(headlines=distinct.count())
    found = rows(counted.order_by(ibis.desc("headlines"), "category").limit(data_problems.MAX_COUNTED))
    return {str(row["category"]): int(row["headlines"]) for row in found}


def _used(headlines: ibis.Table, data: Data) -> ibis.Table:
    """One copy of every headline, of the classes that have enough of them."""
    distinct = _distinct(_labelled(headlines, data))
    counted = distinct.group_by("category").agg(headlines=distinct.count())
    return distinct.semi_join(counted.filter(counted.headlines >= data.min_per_class), "category")


def _with_roles(headlines: ibis.Table, data: Data) -> ibis.Table:
    """With `group`, the story or what stands for it, and `role`, which is a function of the group alone.

    Headlines without a story that have a near-copy in another group, with a role that must not be trained on, have the
    role `STRADDLES`.
    """
    signatures = near_copies.signatures(headlines.filter(headlines.story.isnull()))
    grouped = headlines.left_join(signatures, "plain").drop("plain_right")
    grouped = grouped.mutate(group=ibis.coalesce(grouped.story, grouped.group))
    role = role_of(grouped.group, holdout=data.holdout_fraction, validation=data.validation_fraction, salt=SALT)
    grouped = grouped.mutate(role=role)
    grouped = grouped.mutate(rank=ibis.cases((grouped.role == HOLDOUT, 2), (grouped.role == VALIDATION, 1), else_=0))
    alone = grouped.filter(grouped.story.isnull())
    straddling = near_copies.outranked(alone).mutate(straddles=True)
    marked = grouped.left_join(straddling, "plain")
    return marked.mutate(role=ibis.ifelse(marked.straddles.fill_null(False), STRADDLES, marked.role)).select(
        "id", "group", "category", "title", "role", *data.source_columns
    )


def _split_counts(kept: ibis.Table, classes: list[str]) -> tuple[dict[str, dict[str, int]], int]:
    """How many headlines of each class are left for each role, and how many groups there are in all."""
    counts, groups = {role: dict.fromkeys(classes, 0) for role in (*ROLES, STRADDLES)}, 0
    # Each group is counted with the first of its headlines, so that all is worked out once.
    first = ibis.row_number().over(group_by=kept.group, order_by=kept.category) == 0
    marked = kept.select("role", "category", first=first.cast("int64"))
    for row in rows(marked.group_by("role", "category").agg(headlines=marked.count(), groups=marked["first"].sum())):
        counts[str(row["role"])][str(row["category"])] = int(row["headlines"])
        groups += int(row["groups"])
    return counts, groups
