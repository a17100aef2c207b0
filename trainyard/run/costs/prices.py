"""What machines cost in AWS by the second, at the list prices in prices.json; standard library only, runs everywhere.

A region that the table lacks is reckoned at the prices of another one, and `prices_of` says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from trainyard.errors import ConfigError

PRICES = Path(__file__).with_name("prices.json")
# Whose prices stand in for those of a region that the table lacks.
BASE_REGION = "us-east-1"
HOUR = 3600.0
# Glue counts a run of less than a minute as one.
GLUE_LEAST_SECONDS = 60.0
# No machine costs so much an hour; a price that does is one in another unit.
MOST_USD = 1000.0


@dataclass(frozen=True, kw_only=True)
class Machines:
    """What a job ran on: so many of a kind, for so many seconds."""

    kind: str
    count: float
    seconds: float


def price(machines: Machines, *, region: str) -> float | None:
    """What machines cost, in USD, in a region or by the prices that stand in for it; None where it is not known."""
    known = _region(region)
    worker = _prices()["glue_worker_dpu"].get(machines.kind)
    if worker is not None:
        seconds = max(machines.seconds, GLUE_LEAST_SECONDS)
        return float(worker * machines.count * seconds / HOUR * known["glue_dpu_hour"])
    hourly = known["sagemaker_instance_hour"].get(machines.kind)
    return None if hourly is None else float(hourly * machines.count * machines.seconds / HOUR)


def transition(region: str) -> float:
    """What one transition of a state machine costs, in USD."""
    return float(_region(region)["step_functions_transition"])


def in_table(region: str) -> bool:
    """Whether the table has prices of a region."""
    return region in _prices()["regions"]


def prices_of(region: str) -> str:
    """Whose prices the sums of a region are: `list prices of us-east-1 of 2026-11-29`, and why if it is another one."""
    found = f"list prices of {region if in_table(region) else BASE_REGION} of {_region(region)['written']}"
    return found if in_table(region) else f"{found}, for those of {region} are not in the table and will differ"


def table() -> Mapping[str, Mapping[str, Any]]:
    """The prices of each region: `written`, its date, `source`, and what `REGION` names. Raises ConfigError."""
    regions: Mapping[str, Mapping[str, Any]] = _prices()["regions"]
    return regions


def with_region(name: str, prices: Mapping[str, Any]) -> str:
    """The text of the table with the prices of a region in place of those that it had. Raises ConfigError."""
    document = {**_prices(), "regions": {**table(), name: prices}}
    _check(document)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _region(name: str) -> Mapping[str, Any]:
    return table().get(name, table()[BASE_REGION])


@cache
def _prices() -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(PRICES.read_text(encoding="utf-8"))
    _check(document)
    return document


def _check(document: Mapping[str, Any]) -> None:
    """Refuse a table that somebody changed by hand into one that says nothing, or nothing true. Raises ConfigError."""
    regions = document.get("regions", {})
    problems = [] if BASE_REGION in regions else [f"expected the region {BASE_REGION}, found none"]
    for name, region in regions.items():
        hourly = region.get("sagemaker_instance_hour") or {"sagemaker_instance_hour": None}
        single = {each: region.get(each) for each in ("glue_dpu_hour", "step_functions_transition")}
        problems += [
            f"{name}: expected a price above 0 for {what}, found {usd!r:.40}"
            for what, usd in {**single, **hourly}.items()
            if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 < usd < MOST_USD
        ]
        problems += [f"{name}: expected text in {each}" for each in ("written", "source") if not region.get(each)]
    if problems:
        raise ConfigError(problems)
