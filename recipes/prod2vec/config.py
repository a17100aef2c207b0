"""What a run of prod2vec can be told: source files, basket rules, hyperparameters, search and gate; read everywhere.

Tables and columns are called as Instacart called them, and known under many other names. Prepare writes three tables:
`baskets` (order_id, role, products: their indices in cart order), `vocabulary` (product_index, frequency, rank) and
`catalogue` (product_index, product_id, product_name, department).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from trainyard.contract.config import Card, Gate, Range, RecipeConfig, ScoreColumn, Share, TableData, Tuning, bounded
from trainyard.contract.sources import Column, Source
from trainyard.contract.truth import Truth


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
    baskets_by_day: bool = field(
        default=False, metadata={"help": "an order is what one order_id, such as a customer's, has on one date"}
    )
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
    epochs: int = bounded(20, minimum=1, maximum=1000, help="passes over the training baskets, at most")
    max_pairs: int = bounded(
        800_000_000,
        minimum=1_000_000,
        maximum=1_000_000_000_000,
        help="pairs drawn in all epochs, at most: large data need fewer epochs",
    )
    negatives: int = bounded(5, minimum=1, maximum=100, help="negative samples that each genuine pair stands against")
    basket_scorer: Literal["best", "vectors"] = field(
        default="best", metadata={"help": "what answers baskets: the best by validation orders, or the vectors"}
    )


@dataclass(frozen=True, kw_only=True)
class Config(RecipeConfig):
    """The configuration of prod2vec."""

    data: Data
    hyperparameters: Hyperparameters


CONFIG = Config(
    title="Product vectors from baskets",
    card=Card(
        purpose="Says which products are like a product, and which go with those in a basket, from orders alone.",
        limits=(
            "Knows nothing of prices, stock or season. Suggests what was bought together, not why; a product that "
            "nobody ordered yet has no neighbours, and goes with no basket."
        ),
    ),
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_hit_rate_at_10_vectors",
        direction="Maximize",
        ranges={
            "embedding_size": Range(type="integer", minimum=100, maximum=500),
            "learning_rate": Range(type="continuous", minimum=0.05, maximum=1.0, scaling="Logarithmic"),
        },
    ),
    gate=Gate(primary="hit_rate_at_10", minimum={"hit_rate_at_10": 0.02}),
)

# Lists of objects in JSON have their fields as columns: `items.sku`.
LISTS = ("items", "products", "lines", "line_items", "positions")
CODES = ("id", "sku", "product_id", "product", "item_id", "item", "code", "ean", "asin")
# Of what has no code the name is it.
PRODUCT_NAMES = (
    *("product name", "product title", "item name", "article name", "lineitem name", "product description"),
    *("item description", "description", "bezeichnung", "artikelbezeichnung", "produktname"),
)
PRODUCT = Column(
    name="product_id",
    type="id",
    synonyms=(
        *("product", "products", "product code", "product no", "product number", "product nr", "product sku", "sku"),
        *("stock code", "item", "items", "item id", "item code", "item no", "item number", "article", "article id"),
        *(
            "article no",
            "article number",
            "article code",
            "ean",
            "gtin",
            "upc",
            "asin",
            "isbn",
            "barcode",
            "variant id",
        ),
        *("lineitem sku", "artikel", "artikelnummer", "artikelnr", "produkt", "produktnummer", "produit", "producto"),
        *(f"{each}.{code}" for each in LISTS for code in CODES),
    ),
)
NAMES = (
    Column(
        name="product_name",
        type="string",
        nullable=True,
        required=False,
        synonyms=(
            *(f"{each}.{name}" for each in LISTS for name in ("name", "title", "description")),
            *("product title", "product description", "description", "item name", "item description", "article name"),
            *("lineitem name", "name", "title", "product", "artikelbezeichnung", "bezeichnung", "produktname"),
        ),
    ),
    Column(
        name="department_id",
        type="id",
        nullable=True,
        required=False,
        synonyms=(
            *("department", "category", "category id", "category name", "product category", "product category name"),
            *("main category", "product type", "type", "kategorie", "warengruppe", "categorie", "categoria"),
            *(f"{each}.category" for each in LISTS),
        ),
    ),
    Column(
        name="aisle_id",
        type="id",
        nullable=True,
        required=False,
        synonyms=("aisle", "sub category", "subcategory id", "subcategory name"),
    ),
)
ORDER = Column(
    name="order_id",
    type="id",
    synonyms=(
        *("order", "order no", "order number", "order nr", "order ref", "invoice", "invoice id", "invoice no"),
        *("invoice number", "transaction", "transaction id", "transaction no", "transaction number", "trans id"),
        *("basket", "basket id", "cart", "cart id", "receipt", "receipt id", "receipt no", "receipt number", "bill"),
        *("bill id", "bill no", "bill number", "ticket", "ticket id", "ticket no", "purchase id", "session id"),
        *("bestellung", "bestellnummer", "bestellnr", "rechnung", "rechnungsnummer", "bon", "bonnummer"),
        *("belegnummer", "warenkorb", "commande", "facture", "pedido", "factura", "ordine"),
    ),
    # In Shopify's exports the number of an order is its name, and in what its interface answers its id.
    stand_ins=(
        *(("name", f"lineitem {each}") for each in ("sku", "name")),
        *(("id", f"{each}.{code}") for each in LISTS for code in CODES),
    ),
)
ORDER_PRODUCTS = Source(
    name="order_products",
    files=(
        *("order_products__prior", "order_products__train", "order_products", "order_items", "order_lines"),
        *("order_details", "orders", "items", "transactions", "baskets", "sales", "invoices", "data"),
        *("online_retail", "online_retail_ii", "online retail"),
    ),
    columns=(
        ORDER,
        replace(PRODUCT, stand_ins=tuple((each, "") for each in PRODUCT_NAMES)),
        Column(
            name="add_to_cart_order",
            type="int64",
            nullable=True,
            required=False,
            place=True,
            synonyms=("cart order", "cart position", "position in cart", "line number", "line no", "order item id"),
        ),
        # Text, for only its sign counts: 2 pcs and 1.5 kg are quantities as well.
        Column(
            name="quantity",
            type="string",
            nullable=True,
            required=False,
            omit_absent=True,
            synonyms=(
                *("qty", "order quantity", "item quantity", "lineitem quantity", "quantity ordered", "units"),
                *("menge", "anzahl", "quantite", "quantité", "cantidad", "quantità"),
                *(f"{each}.{name}" for each in LISTS for name in ("quantity", "qty")),
            ),
        ),
        *(replace(each, omit_absent=True) for each in NAMES),
    ),
    unique=("order_id", "product_id"),
    repeats="first",
)
PRODUCTS = Source(
    name="products",
    files=("products", "product", "catalogue", "catalog", "items", "articles", "artikel"),
    columns=(replace(PRODUCT, synonyms=(*PRODUCT.synonyms, "id", "code")), *NAMES),
    required=False,
    unique=("product_id",),
    repeats="first",
)
# Who ordered when, as Instacart has it: not needed, and told apart from lines of orders by its columns.
ORDERS = Source(
    name="orders",
    files=("orders",),
    columns=(
        replace(ORDER, required=False, nullable=True),
        Column(
            name="user_id",
            type="id",
            nullable=True,
            required=False,
            synonyms=("user", "customer", "customer id", "customer no", "member", "member number", "kunde", "client"),
        ),
    ),
    required=False,
)
# Where an order is what a customer bought on one day.
DATE = Column(
    name="date",
    type="string",
    synonyms=("order date", "invoice date", "transaction date", "purchase date", "day", "datum", "time", "datetime"),
)

# What is watched of answers to baskets: the key of the first product, for those below it depend on it. Bulk scores have
# a list here, which is passed over: they are of every product once, and not of what people put into baskets.
GOES_WITH = "goes_with"
SHARES = (Share(name="unknown_products", of="lines"),)

# What bulk scoring writes.
SCORES = (
    ScoreColumn(name="product_id", type="string", comment="as the files have it", spread=False),
    ScoreColumn(name="product_name", type="string", comment="its name, or its id", spread=False),
    ScoreColumn(name="known", type="boolean", comment="whether the model knows it; if not, nothing is similar"),
    ScoreColumn(
        name="similar",
        type="array<struct<product_id:string,product_name:string,score:double>>",
        comment="the ten nearest products, the nearest first",
    ),
    ScoreColumn(
        name=GOES_WITH,
        type="array<struct<product_id:string,product_name:string,score:double>>",
        comment="the ten products that go best with it in a basket, the best first",
    ),
)
# The product that went into a basket next. Bulk scores are of single products, so that they are not judged.
TRUTH = Truth(
    key="",
    predicted=(GOES_WITH,),
    label="id",
    labels=("product_id", "product", "next_product", "item"),
    answers={GOES_WITH: "$.products"},
)


def sources(config: Config) -> tuple[Source, ...]:
    """The tables prod2vec reads: lines of orders, and where there is one the catalogue; `orders` is not needed."""
    if not config.data.baskets_by_day:
        return ORDER_PRODUCTS, PRODUCTS, ORDERS
    lines = replace(
        ORDER_PRODUCTS,
        columns=(
            replace(ORDER, synonyms=(*ORDER.synonyms, *ORDERS.columns[1].synonyms)),
            DATE,
            *ORDER_PRODUCTS.columns[1:],
        ),
        unique=("order_id", "date", "product_id"),
    )
    return lines, PRODUCTS, ORDERS
