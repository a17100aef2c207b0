"""Judges the visits and gives each its role and its features; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.propensity import data_problems
from recipes.propensity.config import Config
from trainyard.contract.holdout import ROLES, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "propensity"
NOT_FEATURES = ("visit_id", "visitor_id", "product_id", "visit_date", "sales_date", "is_sale")
# Real numbers enter a key as whole millionths: engines write them out differently.
MILLIONTHS = 1_000_000
# Beyond this, millionths do not fit into 64 bits, and all numbers are alike to a key.
KEY_LIMIT = 9e12
# Visits with a sale, and without, that every part of the data needs.


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses data with too few sales, with no visit without a sale, or with sales that are neither 0 nor 1.

    Also data with nothing to learn from, and those of which too few of either kind are left for one of the roles.
    """
    visits = _labelled(tables["visits"], config)
    found = visits.agg(
        visits=visits.count(),
        sales=(visits.is_sale == 1).sum().fill_null(0),
        others=(visits.is_sale == 0).sum().fill_null(0),
    )
    figures = {name: float(value) for name, value in rows(found)[0].items()}
    problems = []
    if figures["sales"] < config.data.min_sales:
        problems.append(
            f"visits: expected at least {config.data.min_sales:,} visits with a sale, found {figures['sales']:,.0f}; "
            "use more visits or a longer time, or lower data.min_sales in run.json."
        )
    if figures["others"] < config.data.min_sales:
        problems.append(
            f"visits: expected at least {config.data.min_sales:,} visits without a sale, "
            f"found {figures['others']:,.0f}; export the visits that did not end in a sale too."
        )
    if wrong := figures["visits"] - figures["sales"] - figures["others"]:
        problems.append(
            f"visits: expected is_sale to be 0 or 1, found {wrong:,.0f} visits with another value; correct them."
        )
    problems += data_problems.unusable_columns(_feature_names(visits, config))
    found_figures = {f"labelled_{name}": value for name, value in figures.items()}
    # What follows from another problem is no second one.
    if problems:
        return Quality(problems=tuple(problems), figures=found_figures)
    split = _split_figures(visits, config)
    return Quality(problems=data_problems.too_few_of_a_role(split), figures=found_figures | split)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `visits`: key (text), role (train, validation or holdout), is_sale (0 or 1), then one column per feature:
      quantities as they came, categories as text; sorted by key.
    * `population`: one row that says what the visits were drawn from; of a flat file, the file itself.
    """
    visits = _labelled(tables["visits"], config)
    names = _feature_names(visits, config)
    features = {name: _feature(visits[name], name in config.data.categorical) for name in names}
    selected = visits.select(key=_key(visits), is_sale=visits.is_sale, **features)
    population = tables["population"] if "population" in tables else _itself(selected, config)
    return {"visits": selected.mutate(role=_role(selected.key, config)).order_by("key"), "population": population}


def _feature_names(visits: ibis.Table, config: Config) -> list[str]:
    return [name for name in visits.columns if name not in NOT_FEATURES and name not in config.data.drop]


def _key(visits: ibis.Table) -> Any:
    return visits.visit_id.cast("string") if "visit_id" in visits.columns else _content(visits)


def _role(key: Any, config: Config) -> Any:
    held_out = config.data.holdout_fraction
    return role_of(key, holdout=held_out, validation=(1.0 - held_out) / config.data.folds, salt=SALT)


def _split_figures(visits: ibis.Table, config: Config) -> dict[str, float]:
    """Visits of each role as `prepare` splits them, with and without a sale."""
    keyed = visits.select(key=_key(visits), is_sale=visits.is_sale)
    split = keyed.select(role=_role(keyed.key, config), is_sale=keyed.is_sale)
    counts = {f"{role}_sales": split.count(where=(split.role == role) & (split.is_sale == 1)) for role in ROLES}
    counts |= {f"{role}_others": split.count(where=(split.role == role) & (split.is_sale == 0)) for role in ROLES}
    return {name: float(value) for name, value in rows(split.agg(**counts))[0].items()}


def _labelled(visits: ibis.Table, config: Config) -> ibis.Table:
    """With the label as 0 or 1 under one name, whatever the source calls it."""
    if "is_sale" in visits.columns:
        return visits.mutate(is_sale=visits.is_sale.cast("int64"))
    label = next(name for name, kind in config.data.csv_layout if kind == "sale")
    return visits.mutate(is_sale=visits[label].ifelse(1, 0).cast("int64")).drop(label)


def _feature(column: Any, categorical: bool) -> Any:
    numeric = column.type().is_numeric() and not column.type().is_boolean()
    return column if numeric and not categorical else column.cast("string")


def _content(visits: ibis.Table) -> Any:
    """A key made of everything a line says: equal lines get one role, so that none is both learned and judged."""
    parts = []
    for name in visits.columns:
        column = visits[name]
        if column.type().is_floating():
            inside = ibis.ifelse(column < -KEY_LIMIT, -KEY_LIMIT, column)
            inside = ibis.ifelse(inside > KEY_LIMIT, KEY_LIMIT, inside)
            column = (inside * MILLIONTHS).round().cast("int64")
        parts += [column.cast("string").fill_null(""), ibis.literal("\x1f")]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.concat(part)
    return joined.hexdigest("md5")


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
