"""The tables of the visit database with their indexes, as SQLAlchemy metadata; used by ingest, results and the sample.

`visits` and `sales` are what the search for dates and the sample scan, so both carry an index that holds every column
those queries ask for: the tables themselves are not touched. Any table whose name starts with `agg_visit_` has one row
per visit and is joined to the sample; more of them may be added without a change here.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
# SQLite makes its row number out of INTEGER only.
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _visit_id() -> sa.Column[int]:
    return sa.Column("visit_id", BIG, primary_key=True, autoincrement=False)


PRODUCTS = sa.Table(
    "products",
    METADATA,
    sa.Column("product_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("client_name", sa.String(64), nullable=False),
    sa.Column("active", sa.SmallInteger, nullable=False),
)
VISITS = sa.Table(
    "visits",
    METADATA,
    _visit_id(),
    sa.Column("product_id", sa.Integer, nullable=False),
    sa.Column("visitor_id", BIG, nullable=False),
    sa.Column("visit_date", sa.DateTime, nullable=False),
    sa.Column("is_sale", sa.SmallInteger, nullable=False),
    sa.Index("ix_visits_sample", "product_id", "is_sale", "visit_date", "visit_id"),
    sa.Index("ix_visits_visitor", "visitor_id", "visit_date"),
)
SALES = sa.Table(
    "sales",
    METADATA,
    sa.Column("sale_id", BIG, primary_key=True),
    sa.Column("visit_id", BIG, nullable=False),
    sa.Column("product_id", sa.Integer, nullable=False),
    sa.Column("sales_date", sa.DateTime, nullable=False),
    sa.Column("revenue", sa.Numeric(12, 2), nullable=False),
    sa.Index("ix_sales_dates", "product_id", "sales_date"),
    sa.Index("ix_sales_visit", "visit_id"),
)
ENGAGEMENT = sa.Table(
    "agg_visit_engagement",
    METADATA,
    _visit_id(),
    sa.Column("pageviews", sa.Integer, nullable=False),
    sa.Column("distinct_pages", sa.Integer, nullable=False),
    sa.Column("dwell_seconds", sa.Double, nullable=False),
    sa.Column("scroll_depth", sa.Double),
    sa.Column("basket_adds", sa.Integer, nullable=False),
)
HISTORY = sa.Table(
    "agg_visit_history",
    METADATA,
    _visit_id(),
    sa.Column("prior_visits", sa.Integer, nullable=False),
    sa.Column("prior_sales", sa.Integer, nullable=False),
    sa.Column("days_since_last_visit", sa.Double),
    sa.Column("prior_revenue", sa.Numeric(12, 2), nullable=False),
)
CHANNEL = sa.Table(
    "agg_visit_channel",
    METADATA,
    _visit_id(),
    sa.Column("channel", sa.String(24), nullable=False),
    sa.Column("is_paid", sa.SmallInteger, nullable=False),
    sa.Column("touches_30d", sa.Integer, nullable=False),
)
DEVICE = sa.Table(
    "agg_visit_device",
    METADATA,
    _visit_id(),
    sa.Column("device", sa.String(16), nullable=False),
    sa.Column("os", sa.String(16), nullable=False),
    sa.Column("country", sa.String(2)),
    sa.Column("hour_of_day", sa.SmallInteger, nullable=False),
    sa.Column("day_of_week", sa.SmallInteger, nullable=False),
)

# What a finished run leaves in the database.
MODEL = sa.Table(
    "attrib_propensity_model",
    METADATA,
    sa.Column("product_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("model_uri", sa.String(1024), nullable=False),
    sa.Column("threshold", sa.Double, nullable=False),
    sa.Column("true_rate", sa.Double, nullable=False),
    sa.Column("auc", sa.Double, nullable=False),
    sa.Column("updated_at", sa.DateTime, nullable=False),
)
MODEL_RUN = sa.Table(
    "attrib_propensity_model_run",
    METADATA,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("product_id", sa.Integer, nullable=False),
    sa.Column("start_date", sa.DateTime),
    sa.Column("end_date", sa.DateTime),
    sa.Column("sales_volume", BIG, nullable=False),
    sa.Column("sampled_sales", BIG, nullable=False),
    sa.Column("sampled_others", BIG, nullable=False),
    sa.Column("seed", BIG, nullable=False),
    sa.Column("code_version", sa.String(64), nullable=False),
    sa.Column("promoted", sa.SmallInteger, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("finished_at", sa.DateTime, nullable=False),
    sa.Index("ix_propensity_run", "product_id", "finished_at"),
)
HYPERPARAMETER = sa.Table(
    "agg_propensity_model_train_hyperparameter",
    METADATA,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("combination", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("product_id", sa.Integer, nullable=False),
    sa.Column("node1", sa.Integer, nullable=False),
    sa.Column("node2", sa.Integer, nullable=False),
    sa.Column("dropout1", sa.Double, nullable=False),
    sa.Column("dropout2", sa.Double, nullable=False),
    sa.Column("optimizer", sa.String(16), nullable=False),
    sa.Column("lr_annealing", sa.Double, nullable=False),
    sa.Column("batch_size", sa.Integer, nullable=False),
    sa.Column("epochs", sa.Integer, nullable=False),
    sa.Column("loss", sa.Double, nullable=False),
    sa.Column("accuracy", sa.Double, nullable=False),
    sa.Column("validation_loss", sa.Double, nullable=False),
    sa.Column("validation_accuracy", sa.Double, nullable=False),
    sa.Column("precision_", sa.Double, nullable=False),
    sa.Column("recall_", sa.Double, nullable=False),
    sa.Column("auc", sa.Double, nullable=False),
    sa.Column("best", sa.SmallInteger, nullable=False),
)
