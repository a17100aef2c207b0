"""Columns that tell the outcome by themselves, which mostly were written after it; Ibis and Python, runs in Glue."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import ibis

from recipes.propensity.columns.profiling import seconds
from recipes.propensity.columns.uses import Description, Use
from trainyard.contract.holdout import fraction_of
from trainyard.contract.records import rows

# Cells that are looked at, and rows of them at most.
MAX_CELLS, MAX_ROWS = 400_000, 5_000
CERTAIN_AUC = 0.999
MAX_CATEGORIES = 100


def leaks(keyed: ibis.Table, description: Description) -> tuple[str, ...]:
    """A sentence for each input that ranks the rows of a sample by their outcome, without error or nearly so."""
    sample = _sample(keyed, list(description.inputs))
    outcomes = [int(each["is_sale"]) for each in sample]
    found = []
    for name, use in description.inputs.items():
        reached = _auc([each[name] for each in sample], outcomes, use=use)
        if reached > CERTAIN_AUC:
            found.append(
                f"visits: {name} alone tells {description.outcome.column} (AUC {reached:.4f} of 1); if its value is "
                "known only after the outcome, name it in data.drop in run.json."
            )
    return tuple(found)


def _sample(keyed: ibis.Table, names: Sequence[str]) -> list[dict[str, Any]]:
    """Some rows with an outcome, the same on every engine."""
    wanted = min(MAX_ROWS, MAX_CELLS // max(len(names), 1))
    known = keyed.filter(keyed.is_sale.notnull())
    columns = (known[name] for name in names)
    values = [seconds(each).name(each.get_name()) if each.type().is_temporal() else each for each in columns]
    chosen = known.select("is_sale", "row_key", *values)
    return rows(chosen.order_by(fraction_of(chosen.row_key, "leaks"), chosen.row_key).limit(wanted))


def _auc(values: Sequence[Any], outcomes: Sequence[int], *, use: Use) -> float:
    """The best area under the curve of the values in either order, those without one first or last."""
    groups: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for value, outcome in zip(values, outcomes, strict=True):
        missing = value is None or (isinstance(value, float) and math.isnan(value))
        groups[None if missing else value][outcome] += 1
    if use == "category":
        if len(groups) > MAX_CATEGORIES:
            return 0.5
        return _area(sorted(groups.values(), key=lambda each: each[1] / sum(each)))
    lacking = [groups.pop(None)] if None in groups else []
    ordered = [groups[each] for each in sorted(groups)]
    return max(max(area, 1 - area) for area in (_area(lacking + ordered), _area(ordered + lacking)))


def _area(groups: Sequence[Sequence[int]]) -> float:
    """Chance that a row with the outcome is in a later group than one without; a half where one kind lacks."""
    below, right = 0, 0.0
    for without, happened in groups:
        right += happened * (below + without / 2)
        below += without
    pairs = below * sum(happened for _, happened in groups)
    return right / pairs if pairs else 0.5
