"""The settings of a run of propensity: where visits come from, sampling rules, network, grid, gate; read everywhere.

Visits come from a database (`data.source: database`, reached by the ingest job), from a SQLite file with the same
tables (`propensity.sqlite`), or from any table with one outcome column. Prepare writes three tables: `visits` (row_key,
row_role, is_sale and one column per feature), `population` (one row: what the sample was drawn from) and `description`
(one row: what was understood of the columns).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from trainyard.contract.config import Card, Gate, Range, RecipeConfig, Schedule, ScoreColumn, TableData, Tuning, bounded
from trainyard.contract.sources import Source
from trainyard.contract.truth import Truth

CSV_KINDS = ("number", "category", "sale")
# Names that tables of rows with an outcome often have; others are taken too, for they can be nothing else.
TABLE_FILES = (
    *(
        "visits",
        "online_shoppers_intention",
        "customer_churn",
        "churn",
        "customers",
        "data",
        "train",
        "bank",
        "bank-full",
    ),
    *("sessions", "users", "leads", "accounts", "subscribers", "orders", "loans", "credit", "marketing", "campaign"),
)
Optimizer = Literal["adam", "rmsprop"]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The values of each hyperparameter that `model_tune` combines; the defaults make 32 combinations."""

    node1: tuple[int, ...] = (64, 128)
    node2: tuple[int, ...] = (32, 64)
    dropout1: tuple[float, ...] = (0.3, 0.5)
    dropout2: tuple[float, ...] = (0.2, 0.4)
    optimizer: tuple[Optimizer, ...] = ("adam", "rmsprop")
    lr_annealing: tuple[float, ...] = (0.5,)
    batch_size: tuple[int, ...] = (512,)
    epochs: int = bounded(15, minimum=1, maximum=1000, help="passes over the training rows per combination, at most")


@dataclass(frozen=True, kw_only=True)
class Data(TableData):
    """Which visits are used, how many, and what is held out."""

    source: Literal["file", "database"] = field(
        default="file", metadata={"help": "an uploaded file, or the database whose secret the ingest job knows"}
    )
    product_id: int = bounded(
        0, minimum=0, help="0: the only active product, or one child execution per active product"
    )
    start_date: str | None = field(default=None, metadata={"help": "earliest sale used; none: `history_days` back"})
    end_date: str | None = field(default=None, metadata={"help": "latest sale used; none: the latest sale there is"})
    history_days: int = bounded(90, minimum=7, maximum=3650, help="how far back without a start date")
    negatives_per_sale: int = bounded(8, minimum=1, maximum=1000, help="visits without a sale per sale in the sample")
    max_sales: int = bounded(100_000, minimum=100, maximum=10_000_000, help="sale visits in the sample, at most")
    chunk_rows: int = bounded(10_000, minimum=100, maximum=1_000_000, help="rows fetched from the database at a time")
    aggregate_prefix: str = field(default="agg_visit_", metadata={"help": "tables that are joined to the sample"})
    label: str | None = field(default=None, metadata={"help": "column with the outcome; none: it is found"})
    positive: str | None = field(
        default=None, metadata={"help": "value of the outcome that means yes, all others no; none: it is found"}
    )
    categorical: tuple[str, ...] = field(
        default=("hour_of_day", "day_of_week"), metadata={"help": "columns whose numbers are names of categories"}
    )
    numeric: tuple[str, ...] = field(
        default=(), metadata={"help": "columns that hold quantities, whatever they look like"}
    )
    drop: tuple[str, ...] = field(default=(), metadata={"help": "columns that the model must not see"})
    csv_columns: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "in one list: name:number as in numeric, name:category as in categorical, name:sale as in label"
        },
    )
    holdout_fraction: float = bounded(0.2, minimum=0.05, maximum=0.5, help="visits kept for evaluation only")
    folds: int = bounded(5, minimum=2, maximum=20, help="parts of the other visits; each validates some networks")
    max_categories: int = bounded(
        250,
        minimum=2,
        maximum=1000,
        help="most frequent values of a category that get an input each; 50 where all categories would have thousands",
    )
    reasons: int = bounded(0, minimum=0, maximum=100, help="columns that bulk scoring names as reasons of each row")
    min_sales: int = bounded(100, minimum=10, maximum=1_000_000_000, help="sales that data must hold to be worth a run")
    grid: Grid = field(default_factory=Grid)

    @property
    def label_name(self) -> str:
        """The column with the outcome, empty where it is to be found."""
        return self.label or next(iter(self._of_kind("sale")), "")

    @property
    def categorical_names(self) -> tuple[str, ...]:
        """The columns that are categories because somebody says so."""
        return self.categorical + self._of_kind("category")

    @property
    def numeric_names(self) -> tuple[str, ...]:
        """The columns that are quantities because somebody says so."""
        return self.numeric + self._of_kind("number")

    def _of_kind(self, kind: str) -> tuple[str, ...]:
        return tuple(each.rpartition(":")[0] for each in self.csv_columns if each.endswith(f":{kind}"))

    def __post_init__(self) -> None:
        parts = [each.rpartition(":") for each in self.csv_columns]
        names = [name.lower() for name, _, _ in parts]
        if len(set(names)) < len(names) or "" in names:
            raise ValueError(
                f"expected csv_columns with a name each, different in more than case, found {self.csv_columns!r:.200}"
            )
        kinds = [kind for _, _, kind in parts]
        if not set(kinds) <= set(CSV_KINDS) or kinds.count("sale") > 1:
            raise ValueError(
                f"expected csv_columns as name:number or name:category and at most one name:sale, "
                f"found {self.csv_columns!r:.200}; label, numeric and categorical say the same"
            )
        for name in ("start_date", "end_date"):
            moment = getattr(self, name)
            if moment is not None:
                try:
                    datetime.fromisoformat(moment)
                except ValueError as error:
                    raise ValueError(
                        f"expected {name} as 2026-01-31 or 2026-01-31 23:59:59, found {moment!r}"
                    ) from error


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The arguments of `model_tune`, and whether its grid is searched; names are those of the training job."""

    search: Literal["grid", "none"] = field(
        default="grid", metadata={"help": "grid: the best of data.grid is trained; none: the values below"}
    )
    node1: int = bounded(128, minimum=4, maximum=1024, help="nodes in the first hidden layer")
    node2: int = bounded(64, minimum=2, maximum=1024, help="nodes in the second hidden layer")
    dropout1: float = bounded(0.5, minimum=0.0, maximum=0.9, help="share of the first layer dropped in training")
    dropout2: float = bounded(0.4, minimum=0.0, maximum=0.9, help="share of the second layer dropped in training")
    optimizer: Optimizer = "adam"
    learning_rate: float = bounded(1e-3, minimum=1e-5, maximum=0.1, help="at the start")
    lr_annealing: float = bounded(0.5, minimum=0.05, maximum=1.0, help="factor on the rate when validation stalls")
    batch_size: int = bounded(128, minimum=16, maximum=65_536, help="visits per step")
    epochs: int = bounded(60, minimum=1, maximum=1000, help="passes over the training rows, at most")
    ensemble_size: int = bounded(10, minimum=1, maximum=50, help="networks whose probabilities are averaged")
    boosting_rounds: int = bounded(250, minimum=0, maximum=5000, help="trees per fold beside the networks; 0: none")


@dataclass(frozen=True, kw_only=True)
class Config(RecipeConfig):
    """The configuration of propensity."""

    data: Data
    hyperparameters: Hyperparameters

    @property
    def variant(self) -> str:
        """One model per product; 0 stands for the only one."""
        return f"product-{self.data.product_id}" if self.data.product_id else ""

    @property
    def reads_database(self) -> bool:
        """Only then is there a database that records what became of its visits."""
        return self.data.source == "database"

    @property
    def fans_out(self) -> bool:
        """A database may hold any number of active products; a file is about one."""
        return self.reads_database and not self.data.product_id


CONFIG = Config(
    title="Propensity: how likely an outcome is, such as a sale",
    card=Card(
        purpose="Says how likely an outcome is for each row of a table, such as that a visit ends in a sale.",
        limits=(
            "Finds what goes with the outcome, not what causes it. It holds while rows come about as those of "
            "training did: after a new campaign, price or product, train anew. Not for decisions on persons by "
            "which they are treated worse, such as credit or work, without an examination of its own."
        ),
    ),
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_loss",
        direction="Minimize",
        metrics=("validation_auc", "validation_accuracy", "validation_precision", "validation_recall"),
        ranges={
            # Of one value: a job of the tuner trains what the tuner says and searches no grid of its own.
            "search": Range(type="categorical", values=("none",)),
            "node1": Range(type="integer", minimum=32, maximum=256, scaling="Logarithmic"),
            "node2": Range(type="integer", minimum=16, maximum=128, scaling="Logarithmic"),
            "dropout1": Range(type="continuous", minimum=0.1, maximum=0.6),
            "dropout2": Range(type="continuous", minimum=0.1, maximum=0.6),
            "optimizer": Range(type="categorical", values=("adam", "rmsprop")),
            "learning_rate": Range(type="continuous", minimum=3e-4, maximum=5e-3, scaling="Logarithmic"),
        },
    ),
    gate=Gate(primary="auc", minimum={"auc": 0.65}, maximum={"calibration_error": 0.1}),
)
SCHEDULE = Schedule(
    expression="rate(14 days)", dataset="database", overrides={"data": {"source": "database", "product_id": 0}}
)

# What bulk scoring writes.
SCORES = (
    ScoreColumn(name="place", type="bigint", comment="place in the data, from 0", spread=False),
    ScoreColumn(name="visit_id", type="string", comment="key of the row, where the source has one", spread=False),
    ScoreColumn(name="propensity", type="double", comment="probability of a sale", ranked=True),
    ScoreColumn(name="likely", type="boolean", comment="whether it reaches the threshold of the model"),
    ScoreColumn(name="reasons", type="string", comment="what columns add to the log odds, as JSON", spread=False),
)
TRUTH = Truth(
    key="visit_id",
    predicted=("propensity",),
    label="boolean",
    labels=("is_sale", "sale", "sold", "bought", "purchased", "converted", "churn", "churned"),
)


def sources(config: Config) -> tuple[Source, ...]:
    """Any table, or a database in a file, starts a run; with `data.source: database` there is no file to wait for."""
    data = config.data
    if data.source == "database":
        return ()
    visits = Source(name="visits", files=TABLE_FILES, columns=(), other_columns=True, required=False)
    return visits, Source(name="database", files=("propensity.sqlite",), columns=(), required=False, format="sqlite")
