"""Draws the pictures of the report: a map of products and the curves of training; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recipes.prod2vec.inference import ProductVectors
from trainyard.contract import charts
from trainyard.contract.projection import spread_out
from trainyard.contract.report import Figure
from trainyard.contract.training import curves

MAP_PRODUCTS = 1000
MAP_LABELS = 25
# Of the width and height of the map.
LABEL_SPACING = (0.24, 0.035)


def product_map(vectors: ProductVectors, points: np.ndarray) -> Figure:
    """The `MAP_PRODUCTS` most frequent products at `points` [products, 2], coloured by department."""
    departments = [_department(each) for each in vectors.vocabulary.departments[:MAP_PRODUCTS]]
    labels = {
        row: vectors.vocabulary.names[row] for row in spread_out(points, MAP_LABELS, minimum_distance=LABEL_SPACING)
    }
    return Figure(
        png=charts.scatter(points, departments, notes=labels),
        alt=f"Scatter plot of {len(points)} products in departments: {len(set(departments))}, after t-SNE.",
        caption="Names are given to the most frequent products that leave each other room.",
    )


def _department(name: str) -> str:
    return f"department {name}" if name.isdigit() else name or "products"


def training_curves(model_dir: Path) -> Figure:
    """Loss and validation hit rate by epoch; the vectors are those of the last one."""
    metrics = curves.read(model_dir)
    # Models of earlier versions say nothing of vectors, because nothing else answered.
    rate = next(name for name in ("validation_hit_rate_at_10_vectors", "validation_hit_rate_at_10") if name in metrics)
    epochs = len(metrics["loss"])
    panels = {
        "training loss of a pair": {"loss": metrics["loss"]},
        "hit rate at 10 by vectors, some validation orders": {"hit rate": metrics[rate]},
    }
    return Figure(
        png=charts.curves(panels, x_label="epoch", kept=dict.fromkeys(panels, epochs)),
        alt=f"Loss and validation hit rate over {epochs} epochs, of which the last is kept.",
    )
