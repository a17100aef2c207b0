"""The part of the report about baskets: what answers them, what else was tried, and examples; runs in processing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recipes.prod2vec.basket_scorer import CANDIDATES_FILE, BasketScorer
from recipes.prod2vec.inference import ProductVectors
from trainyard.contract.report import Section, Table

SHOWN_PRODUCTS, SHOWN_ANSWERS = 12, 5
NAMES = {
    "ridge": "ridge regression on the basket's products",
    "co_occurrence": "item co-occurrence",
    "chances": "vectors, mean chance",
    "popularity": "popularity",
    "cosine": "vectors, cosine",
    "in_out": "vectors, in-out",
}
SETTINGS = {
    "popularity": "weight of popularity",
    "memory": "memory in steps of the cart (0: the order does not count)",
    "penalty": "penalty",
    "gain": "gain",
    "power": "power of the frequency",
}


def basket_sections(model_dir: Path, vectors: ProductVectors) -> tuple[Section, ...]:
    """What was tried on validation orders, and the best products after single ones; nothing for earlier models."""
    if not (model_dir / CANDIDATES_FILE).is_file():
        return ()
    found = json.loads((model_dir / CANDIDATES_FILE).read_text(encoding="utf-8"))
    scorer = BasketScorer.load(model_dir)
    tables = [_candidates(found)]
    if scorer is not None:
        tables.append(_examples(scorer, vectors))
    text = (
        f"Baskets are answered by {NAMES[found['chosen']]}, which hit most on validation orders; the hit rates of "
        "evaluation are those of its answers. Vectors say what is like a product, which is another question: two brands"
        " of the same thing are alike, and rarely bought together."
    )
    return (Section(title="What goes with a basket", text=text, tables=tuple(tables)),)


def _candidates(found: Mapping[str, Any]) -> Table:
    by_rate = sorted(found["candidates"].items(), key=lambda each: -each[1]["validation_hit_rate_at_10"])
    rows = [
        (
            NAMES[name] + (" (chosen)" if name == found["chosen"] else ""),
            f"{figures['validation_hit_rate_at_10']:.4f}",
            ", ".join(f"{SETTINGS[key]} {value:g}" for key, value in figures.items() if key in SETTINGS),
        )
        for name, figures in by_rate
    ]
    return Table(columns=("scorer", "hit rate at 10 on validation orders", "settings"), rows=rows)


def _examples(scorer: BasketScorer, vectors: ProductVectors) -> Table:
    names = vectors.vocabulary.names
    shown = range(min(SHOWN_PRODUCTS, len(names)))
    best = [scorer.best(np.array([index]), SHOWN_ANSWERS)[0].tolist() for index in shown]
    rows = [(names[index], *(names[other] for other in answers)) for index, answers in zip(shown, best, strict=True)]
    columns = ("in the basket", *(f"goes with it {rank + 1}" for rank in range(len(rows[0]) - 1)))
    return Table(columns=columns, rows=rows)
