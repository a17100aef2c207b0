"""Judges the predictions of each model by what became true, period by period, beside what was promised of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from trainyard.contract.config import RecipeConfig
from trainyard.contract.evaluation import Judged
from trainyard.run.documents import Metric
from trainyard.run.watch.observed import CONFIDENCE, LEAST_ROWS, ModelQuality, Period, SameRows, verdict
from trainyard.stages.evaluate.bootstrap import interval, paired_difference
from trainyard.stages.verify.labelled import Labelled

# A metric of so many is known within a percent or less; more would change no verdict.
MOST_OF_A_PERIOD, MOST_IN_ALL = 20_000, 50_000
RESAMPLES = 1000
# So many models, the newest ones, are set beside that in use.
MOST_COMPARED = 10
# By run, the metrics that its evaluation found.
Promises = Mapping[str, Mapping[str, Metric]]


@dataclass(frozen=True, kw_only=True)
class Judge:
    """The recipe's own `truth` module, and the labels with what was predicted."""

    labelled: Labelled
    module: ModuleType
    config: RecipeConfig
    promises: Promises

    def models(self) -> list[ModelQuality]:
        """The quality of every model whose predictions have labels, the oldest first."""
        return [self._model(each) for each in self.labelled.versions()]

    def _model(self, version: str) -> ModelQuality:
        promised = self.promises.get(version, {})
        whole = self._judged(version, None)
        primary = whole.primary if whole else ""
        rows = self.labelled.periods(version)
        return ModelQuality(
            run_id=version,
            primary=primary,
            promised=promised.get(primary),
            whole=self._period(rows[0][0], sum(each for _, each in rows), found=whole, promised=promised),
            periods=tuple(
                self._period(start, count, found=self._judged(version, start), promised=promised)
                for start, count in rows
            ),
        )

    def _judged(self, version: str, period: str | None) -> Judged | None:
        """What the recipe says of a model's predictions in a period, or of all; None where they are too few."""
        most = MOST_IN_ALL if period is None else MOST_OF_A_PERIOD
        rows = self.labelled.rows(version, period=period, most=most)
        if rows.num_rows < LEAST_ROWS:
            return None
        found: Judged | None = self.module.judge(rows, config=self.config)
        return found

    def _period(self, start: str, rows: int, *, found: Judged | None, promised: Mapping[str, Metric]) -> Period:
        if found is None:
            return Period(start=start, rows=rows)
        low, high = interval(
            found.examples,
            statistic=found.statistic,
            confidence=CONFIDENCE,
            resamples=RESAMPLES,
            seed=self.config.seed,
        )
        quality = Metric(value=found.metrics[found.primary], low=low, high=high)
        said = verdict(quality, promised.get(found.primary))
        return Period(start=start, rows=rows, verdict=said, quality=quality, metrics=found.metrics)

    def same_rows(self, in_use: str) -> list[SameRows]:
        """The model in use beside each of the newest others, on the labels that both were asked for."""
        versions = self.labelled.versions()
        others = [each for each in reversed(versions) if each != in_use][:MOST_COMPARED] if in_use in versions else []
        pairs = (self._pair(in_use, each) for each in others)
        return [each for each in pairs if each is not None]

    def _pair(self, first: str, second: str) -> SameRows | None:
        tables = self.labelled.same_rows(first, second, most=MOST_IN_ALL)
        if tables[0].num_rows < LEAST_ROWS:
            return None
        own, other = (self.module.judge(each, config=self.config) for each in tables)
        if own is None or other is None or own.primary != other.primary or len(own.examples) != len(other.examples):
            return None
        difference = paired_difference(
            own.examples,
            other.examples,
            statistic=own.statistic,
            confidence=CONFIDENCE,
            resamples=RESAMPLES,
            seed=self.config.seed,
        )
        return SameRows(first=first, second=second, rows=tables[0].num_rows, difference=difference)
