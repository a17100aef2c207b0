"""How good predictions turned out to be, period by period, beside what the evaluation promised; pure.

Both intervals are 99 % ones, and a model is worse than promised where its own lies wholly below the promised one. Were
nothing amiss, that would happen to one period in two hundred at most, whichever of the two has fewer rows. Two of them
are looked at: the newest period and all together, so that at most one upload in a hundred is a false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import ClassVar, Literal

from trainyard.run.document import Document
from trainyard.run.documents import Difference, Metric

# Of CloudWatch, once of the model and once of whichever was looked at last: 1 where it is worse than promised.
METRIC = "WorseThanPromised"
CONFIDENCE = 0.99
# Of fewer, a bootstrap knows too little of how much a metric varies.
LEAST_ROWS = 100

Verdict = Literal["as promised", "worse than promised", "better than promised", "too few", "not compared"]
Unit = Literal["day", "week", "month"]


def widened(metric: Metric, *, confidence: float) -> Metric:
    """A metric whose interval has some `confidence`, with one of `CONFIDENCE`, as if it were normally distributed.

    >>> widened(Metric(value=0.5, low=0.4, high=0.7), confidence=0.95)
    Metric(value=0.5, low=0.3685769..., high=0.7628461...)
    """
    if metric.low is None or metric.high is None:
        return metric
    wanted, given = (NormalDist().inv_cdf((1 + each) / 2) for each in (CONFIDENCE, confidence))
    factor = wanted / given
    return Metric(
        value=metric.value,
        low=metric.value - factor * (metric.value - metric.low),
        high=metric.value + factor * (metric.high - metric.value),
    )


def verdict(observed: Metric | None, promised: Metric | None) -> Verdict:
    """What is said of an observed metric beside a promised one; higher is better. None is what cannot be known."""
    if observed is None or observed.low is None or observed.high is None:
        return "too few"
    if promised is None or promised.low is None or promised.high is None:
        return "not compared"
    if observed.high < promised.low:
        return "worse than promised"
    return "better than promised" if observed.low > promised.high else "as promised"


@dataclass(frozen=True, kw_only=True)
class Period:
    """So many labels from the day `start` (ISO 8601, UTC) on, and what they say of a model's predictions.

    `quality` is the primary metric with its interval, None where there are too few; `metrics` are all of them.
    """

    start: str
    rows: int
    verdict: Verdict = "too few"
    quality: Metric | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelQuality:
    """The quality of the model of one run: of all its predictions (`whole`), and by `periods`, the oldest first.

    `promised` is what its evaluation found, with an interval of `CONFIDENCE`.
    """

    run_id: str
    primary: str
    whole: Period
    periods: tuple[Period, ...] = ()
    promised: Metric | None = None

    @property
    def newest(self) -> Period | None:
        """The last period that has rows enough."""
        return next((each for each in reversed(self.periods) if each.quality is not None), None)

    @property
    def worse(self) -> tuple[Period, ...]:
        """What the alarm rings for: the newest period, or all of them together."""
        looked_at = (self.newest, self.whole)
        return tuple(each for each in looked_at if each is not None and each.verdict == "worse than promised")


@dataclass(frozen=True, kw_only=True)
class SameRows:
    """Two models on the very same labels: how much the first exceeds the second in the primary metric."""

    first: str
    second: str
    rows: int
    difference: Difference


@dataclass(frozen=True, kw_only=True)
class ObservedQuality(Document):
    """What the labels of a data set say of the predictions for it, as the run `run_id` found.

    Of `labels`, so many are `judged` (they have a prediction from before their time), have only later ones (`early`),
    or none until the newest label (`unknown`). `unread` files of scores had other columns than the recipe has now.
    `in_use` is the run of the model in use; where that one is `worse` than promised, an alarm rings, unless the run
    `later_run`, which began later, has told of the data set already. `message` is what people are sent.
    """

    FILE: ClassVar[str] = "observed_quality.json"

    recipe: str
    model: str
    dataset: str
    run_id: str
    labels: int
    judged: int = 0
    early: int = 0
    unknown: int = 0
    unread: int = 0
    unit: Unit = "day"
    in_use: str = ""
    later_run: str = ""
    worse: bool = False
    models: tuple[ModelQuality, ...] = ()
    same_rows: tuple[SameRows, ...] = ()
    message: str = ""

    @property
    def used(self) -> ModelQuality | None:
        """The quality of the model in use, None where no label is about its predictions."""
        return next((each for each in self.models if each.run_id == self.in_use), None)


@dataclass(frozen=True, kw_only=True)
class ObservedVerdict(Document):
    """What the state machine reads and sends of an `ObservedQuality`: a state may have 256 KiB, whatever that has."""

    FILE: ClassVar[str] = "observed_verdict.json"

    worse: bool
    labels: int
    judged: int
    message: str

    @classmethod
    def of(cls, found: ObservedQuality) -> ObservedVerdict:
        """That part of it; of labels that a later run has judged again, nobody is to be called for the worse."""
        return cls(
            worse=found.worse and not found.later_run, labels=found.labels, judged=found.judged, message=found.message
        )
