"""The documents that stages leave for each other, each as a class that knows its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from trainyard.contract.report import number
from trainyard.run.document import Document


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of a model; `low` and `high` are the ends of its bootstrap interval, where there is one."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> str:
        """`0.671 to 0.78`, or nothing."""
        return "" if self.low is None or self.high is None else f"{number(self.low)} to {number(self.high)}"

    @property
    def text(self) -> str:
        """With the interval, where there is one: `0.7258 (0.671 to 0.78)`."""
        return f"{number(self.value)} ({self.interval})" if self.interval else number(self.value)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much a first model's statistic exceeds a second's, with the paired interval around it."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> str:
        """`-0.001 to +0.025`."""
        return f"{self.low:+.4g} to {self.high:+.4g}"

    @property
    def text(self) -> str:
        """`+0.012 (-0.001 to +0.025)`."""
        return f"{self.value:+.4g} ({self.interval})"

    @property
    def verdict(self) -> str:
        """`better than`, `worse than`, or `not better than` where the interval holds zero."""
        return "better than" if self.low > 0 else "worse than" if self.high < 0 else "not better than"


@dataclass(frozen=True, kw_only=True)
class ChampionMetrics:
    """The model in use on the same held-out examples; `difference` is the new model's primary metric minus its own."""

    run_id: str
    metrics: Mapping[str, Metric]
    difference: Difference


@dataclass(frozen=True, kw_only=True)
class Comparison(Document):
    """What evaluate found: a new model on `rows` held-out examples, beside the champion and simple baselines.

    `references` are the baselines' metrics by the baseline's name, and `differences` how much the model exceeds each in
    the primary metric on the examples that both were measured on; metrics that such data do not have are
    `not_applicable`. Runs with the same `holdout`, a digest of its files, were judged on the same examples.
    """

    FILE: ClassVar[str] = "evaluation.json"

    metrics: Mapping[str, Metric]
    recipe: str = ""
    run_id: str = ""
    primary: str = ""
    rows: int = 0
    holdout: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)
    not_applicable: tuple[str, ...] = ()
    champion: ChampionMetrics | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One rule of the gate, and whether the model keeps it."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Decision(Document):
    """What the gate decided, with the numbers and one sentence per check; `message` is what people are sent.

    `standing` says how the model compares with the best of the baselines that it must not lose to: it is `better than`,
    `not better than` (the interval of the difference holds zero) or `worse than` that one; empty without any. A model
    that `waits` is promoted only when a person has approved it.
    """

    FILE: ClassVar[str] = "decision.json"

    promote: bool
    summary: str = ""
    message: str = ""
    reasons: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)
    standing: str = ""
    champion: ChampionMetrics | None = None
    waits: bool = False


@dataclass(frozen=True, kw_only=True)
class JobTime:
    """When the state machine `entered` and `left` a state with a job, in ISO 8601; of Glue also what it ran on."""

    state: str
    entered: str
    left: str
    machine: str = ""
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class JobTimes(Document):
    """The states with jobs that an execution went through before the gate, in that order."""

    FILE: ClassVar[str] = "jobs.json"

    jobs: tuple[JobTime, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreSummary(Document):
    """What a bulk scoring wrote; `columns` are the table's, in the terms of the Glue catalogue."""

    FILE: ClassVar[str] = "summary.json"

    rows: int
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    model_run: str = ""
    columns: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Child:
    """A child run: its variant, and the overrides of its parent's start with its own over them."""

    name: str
    overrides: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Children(Document):
    """The child runs of a run, which the state machine starts one by one."""

    FILE: ClassVar[str] = "children.json"

    children: tuple[Child, ...]


@dataclass(frozen=True, kw_only=True)
class PrepareSummary(Document):
    """Which engine prepared the tables, how many rows each has, and what ingest said of the files and counted."""

    FILE: ClassVar[str] = "summary.json"

    engine: str
    rows: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
