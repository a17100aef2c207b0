"""Judges products that were proposed for a basket by the one that went into it next; processing image."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from recipes.prod2vec.config import Config
from recipes.prod2vec.metrics import TOP_K, hit_rate, hits
from trainyard.contract.evaluation import Judged
from trainyard.contract.truth import LABEL


def judge(joined: pa.Table, *, config: Config) -> Judged:
    """The share of baskets whose next product was among the first ten that were proposed, as in the evaluation."""
    del config
    proposed = [[each["product_id"] for each in products or ()] for products in joined["goes_with"].to_pylist()]
    ranks = np.asarray(
        [
            float(products.index(label)) if label in products else np.inf
            for products, label in zip(proposed, joined[LABEL].to_pylist(), strict=True)
        ]
    )
    return Judged(
        metrics={f"hit_rate_at_{TOP_K}": hit_rate(ranks)}, examples=hits(ranks), primary=f"hit_rate_at_{TOP_K}"
    )
