"""Sets what a model and the one in its shadow answered to the same requests beside each other; runs on a laptop.

Both keep what they are asked, each for itself. Copies of requests are made by SageMaker and go to the shadow alone, so
nothing is asked here: what both kept is read and joined.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trainyard.client.captured import records
from trainyard.client.deployment import Deployment
from trainyard.contract.config import Comparison
from trainyard.errors import NotFound
from trainyard.stages.deploy.difference import changed

if TYPE_CHECKING:
    import pandas as pd

NEWEST = 1000
TOLERANCE = Comparison().tolerance
# A copy may wait, and clocks of instances differ: so far apart both may have had one request.
APART = timedelta(seconds=60)
# One request by these: names may be used again, and one that has none is told by its row alone.
SAME = ["route", "named", "place", "request"]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Quantiles of how long answers took, in milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, kw_only=True, eq=False)
class SideBySide:
    """What the model in service and its shadow answered from `first` to `last`, in UTC.

    `rows` are those that both answered, by time: `time`, `inference_id` and `row` say which one of the model's it is,
    `changed` which share of the `answer` the `shadow_answer` says otherwise (`difference.changed` with `tolerance`).
    `only_model` and `only_shadow` count the rows that one of them has alone. `runs` are those whose models were in
    service then, the newest last.
    """

    runs: tuple[str, ...]
    shadow_run: str
    first: datetime
    last: datetime
    rows: pd.DataFrame
    only_model: int
    only_shadow: int
    tolerance: float
    latency_ms: Latency
    shadow_latency_ms: Latency

    @property
    def changed(self) -> float:
        """The share, from 0 to 1, of what the answers say that the shadow says otherwise."""
        return float(self.rows["changed"].mean())

    @property
    def rows_changed(self) -> int:
        """How many rows the shadow answered otherwise, be it by little."""
        return int((self.rows["changed"] > 0).sum())

    @property
    def most_changed(self) -> pd.DataFrame:
        """The rows that the shadow answered otherwise, those with the largest differences first."""
        found = self.rows[self.rows["changed"] > 0]
        return found.sort_values("changed", ascending=False, kind="stable", ignore_index=True)


def side_by_side(
    deployment: Deployment, model: str, *, newest: int = NEWEST, tolerance: float = TOLERANCE
) -> SideBySide:
    """The newest rows that the shadow of a model answered beside what the model answered to the same.

    `model` is its name in the ledger, `newest` how many rows of the shadow at most: only those of the run that was the
    shadow last. Rows are the same by what their caller called the request, and by the request itself where it has no
    name; of one that came several times the newest answer of the shadow counts, and that of the model from next to it.
    Raises NotFound where there is nothing to compare, and says why; TrainyardError where pandas is not installed.
    """
    copies = records.as_kept(deployment, model, newest=newest, shadow=True)
    shadow_run = str(copies["run"].iloc[-1])
    copies = copies[copies["run"] == shadow_run]
    first, last = copies["time"].min(), copies["time"].max()
    served = records.kept_between(deployment, model, first=first - APART, last=last + APART)
    # It may have come into service right after: then it is not what it was compared with.
    served = None if served is None else served[served["run"] != shadow_run]
    if served is None or served.empty:
        raise _nothing_to_compare(model, only_model=0, only_shadow=len(copies))
    copied = _told(copies).drop_duplicates(SAME, keep="last")
    joined = _nearest(_told(served), copied).merge(
        copied, how="outer", on=SAME, suffixes=("", "_shadow"), indicator="side", validate="one_to_one"
    )
    in_time = joined["time"].between(first, last)
    only_model = int(((joined["side"] == "left_only") & in_time).sum())
    only_shadow = int((joined["side"] == "right_only").sum())
    both = joined[joined["side"] == "both"].sort_values(["time", "event_id", "row"])
    if both.empty:
        raise _nothing_to_compare(model, only_model=only_model, only_shadow=only_shadow)
    return SideBySide(
        runs=tuple(dict.fromkeys(both["run"])),
        shadow_run=shadow_run,
        first=first.to_pydatetime(),
        last=last.to_pydatetime(),
        rows=_rows(both, tolerance=tolerance),
        only_model=only_model,
        only_shadow=only_shadow,
        tolerance=tolerance,
        latency_ms=_latency(both, suffix=""),
        shadow_latency_ms=_latency(both, suffix="_shadow"),
    )


def _told(kept: pd.DataFrame) -> pd.DataFrame:
    """The rows with what they are the same by; `kept` is by time."""
    has_name = kept["inference_id"] != kept["event_id"]
    return kept.assign(named=kept["inference_id"].where(has_name, ""), place=kept["row"].where(has_name, 0))


def _nearest(served: pd.DataFrame, copied: pd.DataFrame) -> pd.DataFrame:
    """Of each that is the same, the row nearest in time to its copy; of those without one, the newest."""
    beside = served.merge(copied[[*SAME, "time"]], how="left", on=SAME, suffixes=("", "_of_copy"))
    away = (beside["time"] - beside["time_of_copy"]).abs()
    nearest = beside.assign(away=away).sort_values(["away", "time"], ascending=[True, False], kind="stable")
    return nearest.drop_duplicates(SAME).drop(columns=["away", "time_of_copy"])


def _rows(both: pd.DataFrame, *, tolerance: float) -> pd.DataFrame:
    found = both.assign(
        row=both["row"].astype(int),
        request=both["request"].map(json.loads),
        answer=both["answer"].map(json.loads),
        shadow_answer=both["answer_shadow"].map(json.loads),
        shadow_latency_ms=both["latency_ms_shadow"],
    )
    pairs = zip(found["answer"], found["shadow_answer"], strict=True)
    found["changed"] = [changed(answer, other, tolerance=tolerance) for answer, other in pairs]
    columns = ["time", "inference_id", "row", "request", "answer", "shadow_answer", "changed"]
    return found[[*columns, "latency_ms", "shadow_latency_ms"]].reset_index(drop=True)


def _latency(both: pd.DataFrame, *, suffix: str) -> Latency:
    """Of the requests: each of their rows says it."""
    found = both.drop_duplicates(f"event_id{suffix}")[f"latency_ms{suffix}"]
    return Latency(p50=float(found.quantile(0.5)), p99=float(found.quantile(0.99)))


def _nothing_to_compare(model: str, *, only_model: int, only_shadow: int) -> NotFound:
    return NotFound(
        f"Expected requests to {model} that both the model in service and its shadow answered and kept, found none: "
        f"{only_shadow:,} rows of the shadow alone and {only_model:,} of the model of the same time. Keep every "
        "request while a shadow runs (deploy.capture.share=1); what came in the last minute may have yet to be written."
    )
