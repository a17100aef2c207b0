"""The vocabulary of a recipe's configuration; standard library only.

A recipe's `config.py` builds one frozen `RecipeConfig` from these classes, which
`trainyard.run.settings.overrides` changes.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from trainyard.contract.sources import FileSettings

RANKED_TYPES = ("int", "bigint", "double")
INSTANCE_TYPE = re.compile(r"ml(\.[a-z0-9][a-z0-9-]*){2}")
SCHEDULE = re.compile(r"(rate|cron|at)\(.+\)")
ALL_BASELINES = "all"
# A column that `score` may give beside those that are written: where it is false, a row is like none that the model was
# evaluated on, and is not set beside these.
WATCHED = "watched"
MODEL_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
# SageMaker ends a deployment after eight hours; two of them are for the instances to start in.
LONGEST_ROLL_OUT_S = 6 * 3600
MODEL_RULE = "1 to 32 lower case letters, digits and inner dashes, such as shop-north"


@dataclass(frozen=True, kw_only=True)
class ScoreColumn:
    """One column of the table that bulk scoring writes; `type` in the terms of catalogue and Hive: `array<double>`.

    The page about a scoring shows how the values of a column are spread, unless `spread` says that they name a row or
    say again what another column says. It lists the rows with the lowest and the highest number of a `ranked` column.
    """

    name: str
    type: str
    comment: str = ""
    spread: bool = True
    ranked: bool = False

    def __post_init__(self) -> None:
        if self.ranked and self.type not in RANKED_TYPES:
            raise ValueError(f"expected a ranked column of type {', '.join(RANKED_TYPES)}; found {self.type}")


@dataclass(frozen=True, kw_only=True)
class Range:
    """The values the tuner may try for one hyperparameter, in SageMaker's terms."""

    type: Literal["integer", "continuous", "categorical"]
    minimum: float = 0.0
    maximum: float = 0.0
    scaling: Literal["Linear", "Logarithmic"] = "Linear"
    values: tuple[str, ...] = ()

    @property
    def logarithmic(self) -> bool:
        """Whether values are tried, and drawn, by their logarithms."""
        return self.scaling == "Logarithmic"

    def __post_init__(self) -> None:
        if self.type == "categorical" and not self.values:
            raise ValueError("expected values of a categorical range, found none")
        if self.type != "categorical" and not self.minimum < self.maximum:
            raise ValueError(f"expected minimum < maximum, found {self.minimum} and {self.maximum}")
        if self.logarithmic and self.minimum <= 0:
            raise ValueError(f"expected a minimum above 0 for logarithmic scaling, found {self.minimum}")


def bounded(default: Any, *, minimum: float | None = None, maximum: float | None = None, help: str = "") -> Any:
    """A dataclass field with a default, inclusive bounds and a line of help."""
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum, "help": help})


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The search: `objective` is a validation metric that training prints; `metrics` are others worth keeping.

    SageMaker's Hyperband is no choice here: it ends jobs by the number of their epochs, and a recipe may train several
    parts one after the other, each with epochs of its own.
    """

    objective: str
    direction: Literal["Maximize", "Minimize"]
    ranges: Mapping[str, Range]
    metrics: tuple[str, ...] = ()
    strategy: Literal["Bayesian", "Random", "Grid"] = "Bayesian"
    max_jobs: int = bounded(10, minimum=1, maximum=500, help="training jobs in all")
    parallel_jobs: int = bounded(2, minimum=1, maximum=100, help="training jobs at a time")
    early_stopping: bool = True

    def __post_init__(self) -> None:
        numbers = [f"{name} ({each.type})" for name, each in self.ranges.items() if each.type != "categorical"]
        if self.strategy == "Grid" and numbers:
            raise ValueError(
                f"expected only categorical ranges for the strategy Grid, found {', '.join(numbers)}; "
                "name the values to try, or choose Bayesian or Random"
            )
        if self.total_jobs > self.max_jobs:
            raise ValueError(
                f"expected max_jobs of at least {self.total_jobs}, for the strategy Grid trains every combination; "
                f"found {self.max_jobs}"
            )

    @property
    def maximizes(self) -> bool:
        """Whether more of the objective is better."""
        return self.direction == "Maximize"

    @property
    def total_jobs(self) -> int:
        """How many training jobs the search has: `max_jobs`, or one for each combination of a grid."""
        return (
            math.prod(len(each.values) for each in self.ranges.values()) if self.strategy == "Grid" else self.max_jobs
        )


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a model must reach. `primary` (higher is better) is what champion and challenger are compared on.

    It is compared with baselines too: a model that one of those in `beat` exceeds by more than noise is refused.
    """

    primary: str
    minimum: Mapping[str, float] = field(default_factory=dict)
    maximum: Mapping[str, float] = field(default_factory=dict)
    beat: tuple[str, ...] = field(
        default=(ALL_BASELINES,),
        metadata={"help": "baselines, by name or `all`, that may not be better by more than noise; [] asks none"},
    )
    margin: float = bounded(
        0.0, minimum=0.0, maximum=1.0, help="how much better than the model a baseline may be all the same"
    )
    confidence: float = bounded(0.95, minimum=0.5, maximum=0.999, help="of the paired bootstrap interval")
    resamples: int = bounded(2000, minimum=100, maximum=100_000, help="of the paired bootstrap")


@dataclass(frozen=True, kw_only=True)
class Job:
    """The machine a SageMaker job of one stage runs on."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = bounded(1, minimum=1, maximum=20)
    volume_gb: int = bounded(30, minimum=1, maximum=16_384)
    max_runtime_s: int = bounded(3600, minimum=60, maximum=432_000, help="the job is stopped after this")

    def __post_init__(self) -> None:
        if not INSTANCE_TYPE.fullmatch(self.instance_type):
            raise ValueError(f"expected an instance_type such as ml.m5.xlarge, found {self.instance_type!r:.60}")


def default_jobs() -> dict[str, Job]:
    """One ordinary machine for every SageMaker stage."""
    return {stage: Job() for stage in ("process", "tune", "train", "evaluate", "report", "score")}


@dataclass(frozen=True, kw_only=True)
class Capture:
    """What an endpoint keeps of its requests and answers, in an environment that keeps any."""

    share: float | None = bounded(
        None, minimum=0.0, maximum=1.0, help="of the requests that is kept; null takes that of the environment"
    )
    never_kept: tuple[str, ...] = field(
        default=(), metadata={"help": "fields that are never kept, beside those of the environment"}
    )
    seconds: int = bounded(60, minimum=1, maximum=900, help="until what was kept is written")


@dataclass(frozen=True, kw_only=True)
class RollOut:
    """How an endpoint on instances gets a new version: at once, or step by step while alarms are watched.

    `canary` moves a share of the requests and then the rest, `linear` such a share at every step. An alarm that rings
    on the way sends all of them back.
    """

    type: Literal["all_at_once", "canary", "linear"] = "all_at_once"
    share: float = bounded(0.1, minimum=0.1, maximum=0.5, help="of the instances in a step, rounded down; at least one")
    wait_s: int = bounded(600, minimum=1, maximum=3600, help="for which alarms are watched after every step")
    most_errors: float = bounded(0.01, minimum=0.0, maximum=1.0, help="of a minute's requests that may fail (5xx)")
    most_latency_ms: int = bounded(2000, minimum=1, maximum=60_000, help="that one answer in a hundred may take")

    def at_a_time(self, instances: int) -> int:
        """How many of the instances a step moves: whole ones, the share rounded down, as SageMaker moves half at most.

        Of a linear roll-out it takes no step of less than a tenth.
        """
        least = math.ceil(instances / 10) if self.type == "linear" else 1
        # 0.3 * 10 is a little less than 3.
        return max(least, math.floor(round(self.share * instances, 6)))

    def steps(self, instances: int) -> int:
        """How many times requests move, and are watched."""
        return {"all_at_once": 0, "canary": 2, "linear": math.ceil(instances / self.at_a_time(instances))}[self.type]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far a new version may answer otherwise than the one before, by requests that the endpoint kept lately.

    Off by default: a model of newer data is meant to answer otherwise, and how far is for its owner to say.
    """

    most_changed: float | None = bounded(
        None, minimum=0.0, maximum=1.0, help="of what answers say, that may change; null compares nothing"
    )
    rows: int = bounded(100, minimum=1, maximum=999, help="of kept requests, the newest, that are asked again")
    tolerance: float = bounded(0.01, minimum=0.0, maximum=1.0, help="within which answers that are numbers are equal")


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A registered version that answers the same requests as the one in service, beside it.

    Only the answers of the one in service go out; a release without a version, on instances still, ends it.
    """

    version: str = field(default="", metadata={"help": "the number or the run of the version; empty for none"})
    share: float = bounded(1.0, minimum=0.01, maximum=1.0, help="of the requests, that it gets copies of")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Whether a registered model is put behind its endpoint, and what carries the endpoint.

    Raises ValueError for steps that no endpoint like it takes, or longer ones than SageMaker lets a deployment be, and
    for a shadow where it has none, or the share of none.
    """

    enabled: bool = field(default=False, metadata={"help": "put a registered model behind its endpoint"})
    type: Literal["serverless", "instances"] = "serverless"
    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = field(
        default=2048, metadata={"help": "of a serverless endpoint"}
    )
    # A new account has ten of these in all, for every endpoint together.
    max_concurrency: int = bounded(2, minimum=1, maximum=200, help="requests at a time of a serverless endpoint")
    instance_type: str = "ml.m5.large"
    instance_count: int = bounded(1, minimum=1, maximum=20, help="of an endpoint on instances")
    capture: Capture = field(default_factory=Capture)
    rollout: RollOut = field(default_factory=RollOut)
    compare: Comparison = field(default_factory=Comparison)
    shadow: Shadow = field(default_factory=Shadow)

    def __post_init__(self) -> None:
        careful = self.rollout.type != "all_at_once"
        if careful and (self.type != "instances" or self.instance_count < 2):
            found = "a serverless endpoint" if self.type != "instances" else "one instance"
            raise ValueError(
                f"expected deploy.type instances and deploy.instance_count of 2 or more for a {self.rollout.type} "
                f"roll-out, which moves requests from instance to instance; found {found}"
            )
        if self.shadow.version and self.type != "instances":
            raise ValueError(
                "expected deploy.type instances for deploy.shadow.version, for SageMaker has shadows there only; "
                "found a serverless endpoint"
            )
        if self.shadow.share != 1.0 and not self.shadow.version:
            raise ValueError(
                f"expected deploy.shadow.version with deploy.shadow.share {self.shadow.share:g}; without one a release "
                "ends the shadow"
            )
        if self.rollout.wait_s * self.steps > LONGEST_ROLL_OUT_S:
            raise ValueError(
                f"expected a roll-out of {LONGEST_ROLL_OUT_S} s at most, found {self.steps} steps of "
                f"{self.rollout.wait_s} s"
            )

    @property
    def steps(self) -> int:
        """How many times requests move to a new version, and are watched."""
        return self.rollout.steps(self.instance_count)


@dataclass(frozen=True, kw_only=True)
class BulkScoring:
    """Whether a registered model scores every row of the data it was trained on."""

    enabled: bool = field(default=False, metadata={"help": "score every row with the registered model"})
    chunk_rows: int = bounded(10_000, minimum=100, maximum=1_000_000, help="rows in memory at a time")


@dataclass(frozen=True, kw_only=True)
class Share:
    """What is unknown to a model: the share that the sum of column `name` is of that of column `of`.

    `score` and `evaluate` give both per row, such as unknown words and words. It is watched as columns of scores are,
    and has moved when it grows.
    """

    name: str
    of: str


@dataclass(frozen=True, kw_only=True)
class Drift:
    """From where on a column of data or answers has moved from what the model in use was trained and evaluated on.

    The change has to be as large as these say, and beyond chance.
    """

    distance: float = bounded(0.1, minimum=0.001, maximum=1.0, help="between distributions of numbers, at their widest")
    shares: float = bounded(0.08, minimum=0.001, maximum=1.0, help="of the rows, that frequent values gain or lose")
    missing: float = bounded(0.03, minimum=0.001, maximum=1.0, help="of the rows, that gain or lose a value")
    new: float = bounded(0.02, minimum=0.001, maximum=1.0, help="of the rows, with values that were not there")
    false_alarms: float = bounded(
        0.01, minimum=1e-6, maximum=0.5, help="of comparisons without a move, all columns together"
    )
    retrain_days: int = bounded(7, minimum=1, maximum=90, help="at least between two retrainings that moves start")
    hours: int = bounded(24, minimum=1, maximum=8760, help="of an endpoint's requests that a check looks back over")
    least_rows: int = bounded(200, minimum=1, maximum=20_000, help="rows of requests that are enough for a check")


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the card of a model says beside what its run found."""

    purpose: str = field(default="", metadata={"help": "what the model is for; without it, the title of the recipe"})
    limits: str = field(default="", metadata={"help": "what it is not for, and where it is weak"})
    owner: str = field(default="", metadata={"help": "who answers for it"})
    risk: Literal["High", "Medium", "Low", "Unknown"] = field(
        default="Unknown", metadata={"help": "what a wrong answer may do, by your own judgement"}
    )


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A start by the clock, in EventBridge Scheduler's terms (UTC), on the newest files of a data set or its database.

    `task` is to train a model, to score every row with the model in use, or to check the requests to its endpoint for
    drift, which reads no data set; files that were uploaded to be scored alone lie in the `folder` "score".
    `overrides` has what run.json could have, `model` among it. Raises ValueError for an expression of another form, and
    for a data set that is missing or not read.
    """

    expression: str
    dataset: str = ""
    task: Literal["train", "score", "check_drift"] = "train"
    folder: Literal["raw", "score"] = "raw"
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not SCHEDULE.fullmatch(self.expression):
            raise ValueError(f"expected a schedule as rate(...), cron(...) or at(...), found {self.expression!r}")
        if bool(self.dataset) == (self.task == "check_drift"):
            wanted = "no data set" if self.dataset else "a data set"
            raise ValueError(f"expected {wanted} for a schedule of task {self.task}, found {self.dataset!r}")


@dataclass(frozen=True, kw_only=True)
class TableData:
    """What holds for the data of every recipe; a recipe's own `Data` begins with it."""

    max_bad_share: float = bounded(
        0.01, minimum=0.0, maximum=1.0, help="lines of a table that may be set aside because they cannot be read"
    )


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """Everything that can be set about one run; recipes narrow the types of `data` and `hyperparameters`.

    `files` has what a person says about the files of a table, by the table's name; `model` names one of several models
    of the recipe, each with its own champion, endpoint and registry group. `base` is the package whose modules stand in
    for those that the recipe's own folder lacks.
    """

    base: ClassVar[str] = ""

    title: str
    data: Any
    hyperparameters: Any
    tuning: Tuning
    gate: Gate
    tune: bool = False
    seed: int = bounded(42, minimum=0, maximum=2**31 - 1)
    jobs: Mapping[str, Job] = field(default_factory=default_jobs)
    deploy: Deployment = field(default_factory=Deployment)
    score: BulkScoring = field(default_factory=BulkScoring)
    drift: Drift = field(default_factory=Drift)
    on_drift: Literal["notify", "retrain"] = field(
        default="notify", metadata={"help": "when scored data or answers moved: tell people, or train anew too"}
    )
    card: Card = field(default_factory=Card)
    files: Mapping[str, FileSettings] = field(default_factory=dict, metadata={"entries": FileSettings})
    model: str = field(
        default="",
        metadata={"help": "name of one of several models of the recipe", "pattern": MODEL_NAME, "rule": MODEL_RULE},
    )

    @property
    def variant(self) -> str:
        """Tells apart the models of a recipe that trains several, such as one per product; empty where it has one."""
        return ""

    @property
    def reads_database(self) -> bool:
        """Whether the run takes its data from the environment's database, and tells it what became of them."""
        return False

    @property
    def fans_out(self) -> bool:
        """Whether the run trains no model itself, but starts one run for each that `ingest.children` lists."""
        return False


def to_mapping(config: Any) -> Any:
    """Plain dicts, lists and scalars of a config, ready for JSON."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: to_mapping(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, Mapping):
        return {key: to_mapping(value) for key, value in config.items()}
    if isinstance(config, tuple | list):
        return [to_mapping(value) for value in config]
    return config


def settings(config: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Every leaf setting as (dotted name, value, help), for `trainyard recipes` and the documentation."""
    for each in dataclasses.fields(config):
        value, path = getattr(config, each.name), f"{prefix}{each.name}"
        if dataclasses.is_dataclass(value):
            yield from settings(value, f"{path}.")
        elif isinstance(value, Mapping):
            if "entries" in each.metadata:
                yield from settings(each.metadata["entries"](), f"{path}.<table>.")
            for key, entry in value.items():
                if dataclasses.is_dataclass(entry):
                    yield from settings(entry, f"{path}.{key}.")
                else:
                    yield f"{path}.{key}", entry, ""
            if not value and "help" in each.metadata:
                yield f"{path}.<column>", "", each.metadata["help"]
        else:
            yield path, value, each.metadata.get("help", "")
