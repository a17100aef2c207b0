"""Checks deliveries besides what is checked of every table; a module that is here stands before the shared one."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from recipes.delivery_time.config import Config
from trainyard.contract.quality import Quality
from trainyard.contract.tabular import prepare as shared
from trainyard.contract.tabular.prepare import prepare


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuse deliveries that arrived before they left."""
    deliveries = tables["deliveries"]
    negative = deliveries.filter(deliveries.minutes <= 0).count().to_pyarrow().as_py()
    problems = (f"deliveries.csv: expected minutes above 0, found {negative} lines without; correct them.",)
    return Quality(problems=problems if negative else ()) + shared.check(tables, config)


__all__ = ["check", "prepare"]
