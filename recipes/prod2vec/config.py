"""What a run of prod2vec can be told: source files, basket rules, hyperparameters, search and gate; read everywhere.

The source files have Instacart's original columns. Prepare writes three tables: `baskets` (order_id, role, products:
the ids in cart order), `vocabulary` (product_id, frequency, rank) and `catalogue` (product_id, product_name, ...).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trainyard.contract.config import Gate, Range, RecipeConfig, ScoreColumn, TableData, Tuning, bounded
from trainyard.contract.sources import Column, Source


@dataclass(frozen=True, kw_only=True)
class Data(TableData):
    """Which lines and products are used, what is held out, and what is refused."""

    top_products: int = bounded(
        35_000, minimum=10, maximum=1_000_000, help="products in the vocabulary, the most frequent in training baskets"
    )
    min_basket: int = bounded(2, minimum=2, maximum=50, help="products an order needs to be a basket")
    max_basket: int = bounded(50, minimum=2, maximum=1000, help="products kept of an order, the first in cart order")
    window: int = bounded(10, minimum=1, maximum=100, help="products on either side that are context of a product")
    subsampling_threshold: float = bounded(
        1e-3, minimum=0.0, maximum=1.0, help="share of all lines above which a product is subsampled; 0 keeps all"
    )
    holdout_fraction: float = bounded(0.1, minimum=0.01, maximum=0.5, help="orders kept for evaluation only")
    validation_fraction: float = bounded(0.05, minimum=0.01, maximum=0.4, help="orders kept for choosing settings")
    leave_out_cancelled: bool = field(
        default=True, metadata={"help": "leave out lines that take a purchase back: C536379, or a quantity below 1"}
    )
    max_unknown_share: float = bounded(
        0.5, minimum=0.0, maximum=1.0, help="order lines whose product may be missing from the catalogue"
    )
    min_ordered_share: float = bounded(
        0.3, minimum=0.0, maximum=1.0, help="distinct ordered products, as a share of the catalogue: fewer are told"
    )
    max_ordered_share: float = bounded(
        1.01, minimum=0.01, maximum=10.0, help="distinct ordered products, as a share of the catalogue: more are told"
    )
    max_queries: int = bounded(
        50_000, minimum=100, maximum=10_000_000, help="held-out orders evaluated, and as many for validation at most"
    )
    min_orders: int = bounded(20, minimum=1, maximum=1_000_000_000, help="orders that data must hold to be worth a run")

    def __post_init__(self) -> None:
        if self.min_basket > self.max_basket:
            raise ValueError(f"expected min_basket <= max_basket, found {self.min_basket} and {self.max_basket}")
        if self.min_ordered_share > self.max_ordered_share:
            raise ValueError(
                f"expected min_ordered_share <= max_ordered_share, "
                f"found {self.min_ordered_share} and {self.max_ordered_share}"
            )


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """How the vectors are trained; the names are those of the training job's hyperparameters."""

    embedding_size: int = bounded(100, minimum=2, maximum=1000, help="numbers per product vector")
    learning_rate: float = bounded(0.3, minimum=1e-5, maximum=10.0, help="of row-wise Adagrad; falls linearly")
    epochs: int = bounded(20, minimum=1, maximum=1000, help="passes over the training baskets")
    negatives: int = bounded(5, minimum=1, maximum=100, help="negative samples that each genuine pair stands against")


@dataclass(frozen=True, kw_only=True)
class Config(RecipeConfig):
    """The configuration of prod2vec."""

    data: Data
    hyperparameters: Hyperparameters


CONFIG = Config(
    title="Product vectors from baskets",
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_hit_rate_at_10",
        direction="Maximize",
        ranges={
            "embedding_size": Range(type="integer", minimum=100, maximum=500),
            "learning_rate": Range(type="continuous", minimum=0.05, maximum=1.0, scaling="Logarithmic"),
        },
    ),
    gate=Gate(primary="hit_rate_at_10", minimum={"hit_rate_at_10": 0.02}),
)

ORDER_PRODUCTS = Source(
    name="order_products",
    files=("order_products__prior.csv", "order_products__train.csv"),
    columns=(
        Column(name="order_id", type="int64"),
        Column(name="product_id", type="int64"),
        Column(name="add_to_cart_order", type="int64"),
        Column(name="reordered", type="int64"),
    ),
    unique=("order_id", "product_id"),
)
PRODUCTS = Source(
    name="products",
    files=("products.csv",),
    columns=(
        Column(name="product_id", type="int64"),
        Column(name="product_name", type="string"),
        Column(name="aisle_id", type="int64"),
        Column(name="department_id", type="int64"),
    ),
    unique=("product_id",),
)
ORDERS = Source(
    name="orders",
    files=("orders.csv",),
    columns=(
        Column(name="order_id", type="int64"),
        Column(name="user_id", type="int64"),
        Column(name="eval_set", type="string"),
        Column(name="order_number", type="int64"),
        Column(name="order_dow", type="int64"),
        Column(name="order_hour_of_day", type="int64"),
        Column(name="days_since_prior_order", type="float64", nullable=True),
    ),
    required=False,
    unique=("order_id",),
)

# What bulk scoring writes.
SCORES = (
    ScoreColumn(name="product_id", type="bigint", comment="of the catalogue", spread=False),
    ScoreColumn(name="product_name", type="string", comment="its name there", spread=False),
    ScoreColumn(name="known", type="boolean", comment="whether the model knows it; if not, nothing is similar"),
    ScoreColumn(
        name="similar",
        type="array<struct<product_id:bigint,product_name:string,score:double>>",
        comment="the ten nearest products, the nearest first",
    ),
)


def sources(config: Config) -> tuple[Source, ...]:
    """The tables prod2vec reads; `orders` is checked when it is there."""
    return ORDER_PRODUCTS, PRODUCTS, ORDERS
