"""Says how much one run's model exceeds another's on the same held-out examples, with an interval; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.client.run import apart, previews
from trainyard.client.run.runs import RunRecord
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.documents import Difference
from trainyard.run.files import PER_EXAMPLE_FILE
from trainyard.run.stage import Stage

# Of a longer file only so much would be read, and it is never that long.
MOST_BYTES = 8 << 20
INSTALL = "An interval needs numpy and pyarrow, and there is no {found}: pip install 'trainyard[notebook]'."
OTHER_HOLDOUT = (
    "The held-out examples of {run} and {other} are not the same: files or settings of the data differ, so the metrics "
    "may differ for that reason alone."
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """How much the `metric` of `run` exceeds that of `other` on `examples` that both were judged on.

    Where that cannot be told, `difference` is None and `reason` a sentence.
    """

    run: str
    other: str
    metric: str = ""
    examples: int = 0
    difference: Difference | None = None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """`better than`, `not better than` or `worse than`; empty where it cannot be told."""
        return self.difference.verdict if self.difference else ""


def paired(run: RunRecord, other: RunRecord) -> Pair:
    """`run` beside `other`: the difference that the gate drew where it compared the two, else one drawn now.

    The gate judged both models on the holdout of the later run, so that its difference holds for other files too.
    """
    gated = _gated(run, other)
    if gated is not None:
        return gated
    one, two = run.comparison, other.comparison
    if one is None or two is None:
        return _unknown(run, other, reason=f"{(run if one is None else other).request.run_id} was not evaluated.")
    if one.primary != two.primary:
        looked_at = f"The gate of {run.request.run_id} looks at {one.primary}, that of {other.request.run_id} at"
        return _unknown(run, other, reason=f"{looked_at} {two.primary}.")
    if not same_holdout([run, other]):
        return _unknown(run, other, reason=OTHER_HOLDOUT.format(run=run.request.run_id, other=other.request.run_id))
    return _drawn(run, other, metric=one.primary)


def same_holdout(runs: Sequence[RunRecord]) -> bool:
    """Whether all were judged on the same examples; of evaluations of earlier versions, by what decides that."""
    digests = {each.comparison.holdout if each.comparison else "" for each in runs}
    return len({_decides(each) for each in runs} if "" in digests else digests) == 1


def contents(run: RunRecord) -> dict[str, str]:
    """The version that was read of each file, by its content: the same bytes uploaded again are the same."""
    return {each.name: each.etag or each.version_id for each in run.request.files}


def _decides(run: RunRecord) -> tuple[Any, ...]:
    """What decides which examples are held out: the files and the settings of the data."""
    data = tuple((path, str(value)) for path, value in run.settings.items() if path.startswith("data."))
    return tuple(sorted(contents(run).items())), data


def _gated(run: RunRecord, other: RunRecord) -> Pair | None:
    """What the gate drew of the two runs, in whichever of them the other was the champion."""
    for new, old, sign in ((run, other, 1.0), (other, run, -1.0)):
        found = new.comparison
        champion = found.champion if found else None
        if found is not None and champion is not None and champion.run_id == old.request.run_id:
            ends = sorted(sign * each for each in (champion.difference.low, champion.difference.high))
            return Pair(
                run=run.request.run_id,
                other=other.request.run_id,
                metric=found.primary,
                examples=found.rows,
                difference=Difference(value=sign * champion.difference.value, low=ends[0], high=ends[1]),
            )
    return None


def _drawn(run: RunRecord, other: RunRecord, *, metric: str) -> Pair:
    kept = []
    for each in (run, other):
        try:
            content, _ = previews.content(each.artifacts, f"{Stage.EVALUATE}/{PER_EXAMPLE_FILE}", most=MOST_BYTES)
        except NotFound:
            return _unknown(run, other, reason=_not_kept(each.request.run_id))
        kept.append(content)
    try:
        examples, found = apart.called(_difference, *kept, recipe=run.request.recipe, metric=metric)
    except TrainyardError as error:
        # Of a recipe that is not installed on this machine nobody knows what its metric is made of.
        return _unknown(run, other, reason=str(error))
    if found is None:
        return _unknown(run, other, reason=_not_kept(run.request.run_id))
    return Pair(
        run=run.request.run_id,
        other=other.request.run_id,
        metric=metric,
        examples=examples,
        difference=found,
    )


def _difference(one: bytes, other: bytes, *, recipe: str, metric: str) -> tuple[int, Difference | None]:
    """How many examples two files of scores have, and the difference; None where they have not the same number.

    Raises TrainyardError without what reads them, and what `per_example` raises.
    """
    # numpy and pyarrow take a quarter of a second, and a command line for AWS may do without them.
    try:
        import pyarrow  # noqa: F401

        from trainyard.stages.evaluate import per_example
        from trainyard.stages.evaluate.bootstrap import paired_difference
    except ImportError as error:
        raise TrainyardError(INSTALL.format(found=error.name)) from error
    rows = [per_example.read(each) for each in (one, other)]
    if rows[0].shape != rows[1].shape:
        return len(rows[0]), None
    return len(rows[0]), paired_difference(*rows, statistic=per_example.statistic(recipe, metric))


def _unknown(run: RunRecord, other: RunRecord, *, reason: str) -> Pair:
    return Pair(run=run.request.run_id, other=other.request.run_id, reason=reason)


def _not_kept(run_id: str) -> str:
    return (
        f"{run_id} kept no scores of the same examples: run it again (`trainyard rerun {run_id}`) if it is of an "
        "earlier version; a recipe whose metric is no mean names it in STATISTICS of its metrics.py."
    )
