"""Classes and their probabilities for every headline of a file; score job in the training image, no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recipes.headline_classifier.config import Config
from recipes.headline_classifier.features import Encoder
from recipes.headline_classifier.inference import CLASS_COUNTS_FILE, Classifier
from recipes.headline_classifier.predictions import by_class
from recipes.headline_classifier.texts.tokenizer import joined
from trainyard.contract import chunks

TABLE = "headlines"
COLUMNS = ("ID", "TITLE", "DESCRIPTION", "URL", "PUBLISHER")


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per line of the file, copies included."""
    return chunks.count(tables / TABLE)


def seen(model_dir: Path) -> dict[str, dict[str, float]]:
    """Training headlines of each class; nothing from a model that does not carry their counts."""
    path = model_dir / CLASS_COUNTS_FILE
    if not path.is_file():
        return {}
    counts = json.loads(path.read_text(encoding="utf-8"))
    encoder = Encoder.load(model_dir)
    return {"category_name": {name: counts[each] for each, name in zip(encoder.classes, encoder.names, strict=True)}}


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per headline, in the order of the file, `score.chunk_rows` at a time."""
    classifier = Classifier.load(model_dir)
    before = 0
    for chunk in chunks.read(tables / TABLE, COLUMNS, rows=config.score.chunk_rows):
        yield _scored(classifier, chunk, before=before)
        before += chunk.num_rows


def _scored(classifier: Classifier, chunk: pa.Table, *, before: int) -> pa.Table:
    encoder, columns_read = classifier.encoder, (chunk[name].to_pylist() for name in COLUMNS[1:])
    texts = [joined(title, below, source=source) for title, below, *source in zip(*columns_read, strict=True)]
    sequences = encoder.sequences(texts)
    probabilities = classifier.network.probabilities(sequences, encoder.ngrams(texts))
    best = probabilities.argmax(axis=1)
    columns = {
        "headline_id": _keys(chunk["ID"], before),
        "title": chunk["TITLE"],
        "category": pa.array([encoder.classes[each] for each in best.tolist()], pa.string()),
        "category_name": pa.array([encoder.names[each] for each in best.tolist()], pa.string()),
        "probability": probabilities[np.arange(len(best)), best],
        "probabilities": by_class(probabilities, encoder.classes),
        **encoder.unknown_words(sequences),
    }
    return pa.table(columns)


def _keys(ids: pa.ChunkedArray, before: int) -> pa.ChunkedArray:
    """The id of each headline as text; where it has none, which row it is, from 1."""
    places = pa.array(np.arange(before + 1, before + len(ids) + 1)).cast(pa.string())
    return pc.coalesce(ids.cast(pa.string()), places)
