"""Judges the rows and gives each its role and its features; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from recipes.propensity import data_problems
from recipes.propensity.columns.leaks import leaks
from recipes.propensity.columns.names import says_code, says_key
from recipes.propensity.columns.profile import ColumnProfile
from recipes.propensity.columns.profiling import EXACT, is_whole, seconds
from recipes.propensity.columns.understanding import happened, understood
from recipes.propensity.columns.uses import Description, Use
from recipes.propensity.config import Config
from trainyard.contract.holdout import ROLES, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows
from trainyard.errors import BadData

SALT = "propensity"
# Real numbers enter a key as whole millionths: engines write them out differently.
MILLIONTHS = 1_000_000
# Beyond this, millionths do not fit into 64 bits, and all numbers are alike to a key.
KEY_LIMIT = 9e12
# Without a backslash, which Spark takes for its own.
WHOLE_FLOAT = "^([+-]?[0-9]+)[.]0*$"


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses data without an outcome, with too few rows of either outcome, or with nothing to learn from.

    Also those of which too few of either kind are left for one of the roles. Notes say what was understood of the
    columns; a column that tells the outcome by itself is a warning.
    """
    try:
        description, found = understood(tables, config.data)
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    visits = tables["visits"].mutate(is_sale=happened(tables["visits"], description, found=found))
    outcome = description.outcome
    counted = _outcomes(visits)
    figures = {f"labelled_{name}": value for name, value in counted.items()}
    problems = data_problems.too_few_outcomes(counted, outcome, min_sales=config.data.min_sales)
    problems += data_problems.unusable_columns(list(description.inputs), outcome)
    notes = description.notes(rows=int(counted["visits"]), happened=int(counted["sales"]))
    # What follows from another problem is no second one.
    if problems:
        return Quality(problems=tuple(problems), notes=notes, figures=figures)
    keyed = _keyed(visits, description, found=found)
    split = _split_figures(keyed, config)
    return Quality(
        problems=data_problems.too_few_of_a_role(split, outcome),
        warnings=data_problems.without_outcome(counted, outcome) + leaks(keyed, description),
        notes=notes,
        figures=figures | split,
    )


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `visits`: row_key (text), row_role (train, validation or holdout), is_sale (0 or 1), then one column per feature:
      quantities as they came, categories as text, dates as moments; sorted by key.
    * `population`: one row that says what the visits were drawn from; of a file, the file itself.
    * `description`: one row with what was understood of the columns, as JSON.
    """
    description, found = understood(tables, config.data)
    visits = tables["visits"].mutate(is_sale=happened(tables["visits"], description, found=found))
    visits = visits.filter(visits.is_sale.notnull())
    keyed = _keyed(visits, description, found=found)
    # By `name`, for a column may be called `self`, or as anything else that a function takes.
    features = [_feature(keyed[name], use).name(name) for name, use in description.inputs.items()]
    prepared = keyed.select("row_key", "is_sale", *features, _role(keyed.holdout_key, config).name("row_role"))
    return {
        "visits": prepared.order_by("row_key"),
        "population": tables["population"] if "population" in tables else _itself(prepared, config),
        "description": prepared.agg(document=ibis.literal(description.to_json()), rows=prepared.count()),
    }


def _outcomes(visits: ibis.Table) -> dict[str, float]:
    counted = visits.agg(
        visits=visits.is_sale.count(),
        sales=(visits.is_sale == 1).sum().fill_null(0),
        others=(visits.is_sale == 0).sum().fill_null(0),
        without=visits.is_sale.isnull().sum().fill_null(0),
    )
    return {name: float(value) for name, value in rows(counted)[0].items()}


def _keyed(visits: ibis.Table, description: Description, *, found: Sequence[ColumnProfile]) -> ibis.Table:
    """With `row_key`, by which rows are in order, and `holdout_key`, by which they are split."""
    by_name = {each.name: each for each in found}
    key = by_name.get(description.key)
    if key is not None and key.unique:
        text = _text(visits[key.name])
        return visits.mutate(row_key=text, holdout_key=text)
    content = _content(visits, by_name, outcome=description.outcome.column)
    if key is None:
        return visits.mutate(row_key=content, holdout_key=content)
    text = _text(visits[key.name])
    # All rows of one customer are learned from, or none.
    return visits.mutate(row_key=text.concat("\x1f").concat(content), holdout_key=text)


def _role(key: Any, config: Config) -> Any:
    held_out = config.data.holdout_fraction
    return role_of(key, holdout=held_out, validation=(1.0 - held_out) / config.data.folds, salt=SALT)


def _split_figures(keyed: ibis.Table, config: Config) -> dict[str, float]:
    """Rows of each role as `prepare` splits them, with and without the outcome."""
    split = keyed.select(role=_role(keyed.holdout_key, config), is_sale=keyed.is_sale)
    counts = {f"{role}_sales": split.count(where=(split.role == role) & (split.is_sale == 1)) for role in ROLES}
    counts |= {f"{role}_others": split.count(where=(split.role == role) & (split.is_sale == 0)) for role in ROLES}
    return {name: float(value) for name, value in rows(split.agg(**counts))[0].items()}


def _feature(column: Any, use: Use) -> Any:
    kind = column.type()
    if use == "date":
        return column.cast("timestamp")
    if use == "category":
        return _text(column)
    if kind.is_boolean():
        return column.cast("int64")
    return column if kind.is_numeric() else column.try_cast("float64")


def _text(column: Any) -> Any:
    """A value as one text in whatever way it was written: true, 2, blue."""
    kind = column.type()
    if kind.is_boolean():
        return column.ifelse("true", "false")
    if kind.is_numeric() and not kind.is_integer():
        number = column.cast("float64")
        inside = number.clip(-EXACT, EXACT).cast("int64")
        return is_whole(number).ifelse(inside.cast("string"), number.cast("string"))
    if not kind.is_string():
        return column.cast("string")
    stripped = column.strip()
    return stripped.re_search(WHOLE_FLOAT).ifelse(stripped.re_extract(WHOLE_FLOAT, 1), stripped)


def _content(visits: ibis.Table, found: Mapping[str, ColumnProfile], *, outcome: str) -> Any:
    """A key made of everything a line says: equal lines get one role, so that none is both learned and judged.

    It depends on what is said, neither on how it is spelled nor on settings.
    """
    names = [each for each in visits.columns if each not in (outcome, "is_sale")]
    parts = [_said(visits[name], found[name]) for name in names] + [visits.is_sale.cast("string")]
    joined = ibis.literal("")
    for part in parts:
        joined = joined.concat(part.fill_null("")).concat("\x1f")
    return joined.hexdigest("md5")


def _said(column: Any, profile: ColumnProfile) -> Any:
    if profile.flag:
        return (column.cast("int64") == 1).ifelse("TRUE", "FALSE")
    if profile.kind == "moment":
        return seconds(column).cast("string")
    if profile.kind == "other":
        return ibis.literal("")
    if profile.kind == "text" or (profile.kind == "whole" and (says_code(profile.name) or says_key(profile.name))):
        return _text(column)
    inside = column.cast("float64").clip(-KEY_LIMIT, KEY_LIMIT)
    return (inside * MILLIONTHS).round().cast("int64").cast("string")


def _itself(visits: ibis.Table, config: Config) -> ibis.Table:
    """The population of a file that is no sample: every visit counts once."""
    sales, others = visits.is_sale.sum(), (1 - visits.is_sale).sum()
    counts = {"sales_volume": sales, "sales": sales, "others": others, "sampled_sales": sales, "sampled_others": others}
    return visits.agg(
        product_id=ibis.literal(config.data.product_id, type="int64"),
        start_date=ibis.literal(None, type="timestamp"),
        end_date=ibis.literal(None, type="timestamp"),
        **{name: count.cast("int64") for name, count in counts.items()},
        seed=ibis.literal(config.seed, type="int64"),
    )
