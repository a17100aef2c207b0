"""What is wrong with rows and their outcomes, one sentence each, from their figures; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recipes.propensity.columns.outcome import Outcome
from trainyard.contract.holdout import ROLES

# Rows with the outcome, and without, that every part of the data needs.
MIN_PER_CLASS = 5
PREPARED_COLUMNS = ("row_key", "row_role", "is_sale")


def too_few_outcomes(found: Mapping[str, float], outcome: Outcome, *, min_sales: int) -> list[str]:
    """Of too few rows with the outcome, or without, and of outcomes that are neither yes nor no."""
    problems = []
    if found["sales"] < min_sales:
        problems.append(
            f"visits: {outcome.sentence(found['sales'])}, and at least {min_sales:,} are needed to learn from; use "
            f"more {outcome.rows} or a longer time, or lower data.min_sales in run.json."
        )
    if found["others"] < min_sales:
        problems.append(
            f"visits: expected at least {min_sales:,} {outcome.rows} {outcome.did_not}, found {found['others']:,.0f}; "
            f"export the {outcome.rows} {outcome.did_not} too."
        )
    if wrong := found["visits"] - found["sales"] - found["others"]:
        problems.append(
            f"visits: expected is_sale to be 0 or 1, found {wrong:,.0f} visits with another value; correct them."
        )
    return problems


def without_outcome(found: Mapping[str, float], outcome: Outcome) -> tuple[str, ...]:
    """Of rows that nothing can be learned from, for what became of them is not known."""
    rows = int(found["without"])
    if not rows:
        return ()
    return (
        f"visits: {rows:,} {outcome.rows} have no value in {outcome.column} and are left out of training and "
        "evaluation; score them with the model.",
    )


def unusable_columns(names: Sequence[str], outcome: Outcome) -> list[str]:
    """Of columns that are none, or have a name that is taken."""
    if not names:
        return [
            f"visits: expected columns that describe a row, found none that can be an input beside {outcome.column}; "
            "add some, or name those that are inputs all the same in data.categorical or data.numeric in run.json."
        ]
    return [
        f"visits: expected no column named {name}, which is what the prepared table calls a column of its own; rename "
        "it, or name it in data.drop in run.json."
        for name in names
        if name.lower() in PREPARED_COLUMNS
    ]


def too_few_of_a_role(found: Mapping[str, float], outcome: Outcome) -> tuple[str, ...]:
    """Of too few rows of either kind in one of the roles."""
    pairs = [(found[f"{role}_sales"], found[f"{role}_others"]) for role in ROLES]
    if min(map(min, pairs)) >= MIN_PER_CLASS:
        return ()
    shown = ", ".join(f"{sales:,.0f} with and {others:,.0f} without" for sales, others in pairs)
    return (
        f"visits: expected at least {MIN_PER_CLASS} {outcome.rows} {outcome.happened} and as many without to train on, "
        f"to choose settings by and to evaluate on, found {shown}; upload more {outcome.rows} that differ, for equal "
        "lines are not split up.",
    )
