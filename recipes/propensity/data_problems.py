"""What is wrong with visits, one sentence each, from their figures; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from trainyard.contract.holdout import ROLES

MIN_PER_CLASS = 5
PREPARED_COLUMNS = ("key", "role", "is_sale")


def unusable_columns(names: list[str]) -> list[str]:
    """Of columns that are none, or have a name that is taken."""
    if not names:
        return [
            "visits: expected columns that describe a visit, found none but its label; add some to data.csv_columns, "
            "or take them out of data.drop."
        ]
    return [
        f"visits: expected no column named {name}, which is what the prepared table calls a column of its own; rename "
        "it, or name it in data.drop in run.json."
        for name in names
        if name.lower() in PREPARED_COLUMNS
    ]


def too_few_of_a_role(found: Mapping[str, float]) -> tuple[str, ...]:
    """Of too few visits of either kind in one of the roles."""
    pairs = [(found[f"{role}_sales"], found[f"{role}_others"]) for role in ROLES]
    if min(map(min, pairs)) >= MIN_PER_CLASS:
        return ()
    shown = ", ".join(f"{sales:,.0f} with and {others:,.0f} without" for sales, others in pairs)
    return (
        f"visits: expected at least {MIN_PER_CLASS} visits with a sale and as many without to train on, to choose "
        f"settings by and to evaluate on, found {shown}; upload more visits that differ, for equal lines are not split "
        "up.",
    )
