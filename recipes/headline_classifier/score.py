"""Classes and their probabilities for every headline of a file; score job in the training image, no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from recipes.headline_classifier.config import CLASS_NAMES, CLASSES, Config
from recipes.headline_classifier.inference import CLASS_COUNTS_FILE, Classifier
from trainyard.contract import chunks

TABLE = "headlines"


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per line of the file, copies included."""
    return chunks.count(tables / TABLE)


def seen(model_dir: Path) -> dict[str, dict[str, float]]:
    """Training headlines of each class; nothing from a model that does not carry their counts."""
    path = model_dir / CLASS_COUNTS_FILE
    if not path.is_file():
        return {}
    counts = json.loads(path.read_text(encoding="utf-8"))
    return {"category_name": {CLASS_NAMES[each]: count for each, count in counts.items()}}


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per headline, in the order of the file, `score.chunk_rows` at a time."""
    classifier = Classifier.load(model_dir)
    for chunk in chunks.read(tables / TABLE, ("ID", "TITLE"), rows=config.score.chunk_rows):
        yield _scored(classifier, chunk)


def _scored(classifier: Classifier, chunk: pa.Table) -> pa.Table:
    classes = classifier.encoder.classes
    probabilities = classifier.probabilities(chunk["TITLE"].to_pylist())
    best = probabilities.argmax(axis=1)
    names = [classes[number] for number in best.tolist()]
    columns = {
        "headline_id": chunk["ID"],
        "title": chunk["TITLE"],
        "category": pa.array(names, pa.string()),
        "category_name": pa.array([CLASS_NAMES[each] for each in names], pa.string()),
        "probability": probabilities[np.arange(len(best)), best],
    }
    return pa.table(columns | {f"probability_{each}": probabilities[:, classes.index(each)] for each in CLASSES})
