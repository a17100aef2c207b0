"""Checks deliveries and splits them; Ibis expressions, so that DuckDB and Spark agree."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from recipes.delivery_time.config import Config
from trainyard.contract import holdout
from trainyard.contract.quality import Quality


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuse deliveries that arrived before they left."""
    deliveries = tables["deliveries"]
    negative = deliveries.filter(deliveries.minutes <= 0).count().to_pyarrow().as_py()
    problems = (f"deliveries.csv: expected minutes above 0, found {negative} lines without; correct them.",)
    return Quality(
        problems=problems if negative else (), figures={"deliveries": deliveries.count().to_pyarrow().as_py()}
    )


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """Table `deliveries` with a column `role`: train, validation or holdout."""
    deliveries = tables["deliveries"]
    kept = deliveries.filter(deliveries.minutes <= config.data.max_minutes)
    role = holdout.role_of(
        kept.delivery_id,
        holdout=config.data.holdout_fraction,
        validation=config.data.validation_fraction,
        salt="delivery_time",
    )
    return {"deliveries": kept.mutate(role=role)}
