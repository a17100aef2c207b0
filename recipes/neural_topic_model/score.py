"""Topics of every review of a file, long or short; score job in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.documents.bags_of_words import unknown_words
from recipes.neural_topic_model.inference import TopicModel
from trainyard.contract import chunks
from trainyard.contract.config import WATCHED

TABLE, TEXTS = "reviews", ("title", "text")
STRONGEST_TOPICS = 3
A_WORD = r"[\pL\pM\pN]+"


def count(tables: Path, config: Config) -> int:
    """How many rows `score` gives: one per line of the file; prepare would leave out short reviews and copies."""
    return chunks.count(tables / TABLE)


def score(model_dir: Path, tables: Path, *, config: Config) -> Iterator[pa.Table]:
    """One row per review, in the order of the file, `score.chunk_rows` at a time."""
    model = TopicModel.load(model_dir)
    names = pa.array(model.topic_names())
    first = 0
    for chunk in chunks.read(tables / TABLE, TEXTS, rows=config.score.chunk_rows):
        yield _scored(model, names, titles=chunk["title"], texts=chunk["text"], first=first).append_column(
            WATCHED, _long_enough(chunk, config.data.min_words)
        )
        first += chunk.num_rows


def _scored(model: TopicModel, names: pa.Array, *, titles: pa.Array, texts: pa.Array, first: int) -> pa.Table:
    documents = [
        f"{title or ''}. {text or ''}" for title, text in zip(titles.to_pylist(), texts.to_pylist(), strict=True)
    ]
    lemmas = [model.vocabulary.lemmatizer.lemmas(each) for each in documents]
    bags = model.bags(lemmas)
    shares = model.topic_shares_of(bags)
    lengths = np.diff(bags.offsets)
    best = np.argsort(-shares, axis=1, kind="stable")[:, :STRONGEST_TOPICS]
    # A review without a known word has no topics; the model would give it the average of all.
    known = lengths > 0
    strongest = pa.array(best[:, 0], pa.int32(), mask=~known)
    return pa.table(
        {
            "place": np.arange(first, first + len(documents)),
            "title": titles,
            "topic": strongest,
            "topic_name": names.take(strongest),
            "share": pa.array(shares[np.arange(len(best)), best[:, 0]], pa.float64(), mask=~known),
            "topics": _lists(_topics(names, best[known], shares=shares[known]), known, length=best.shape[1]),
            "shares": _lists(pa.array(shares[known].ravel(), pa.float64()), known, length=shares.shape[1]),
            "known_words": lengths.astype(np.int32),
            **unknown_words(bags, lemmas),
        }
    )


def _long_enough(chunk: pa.Table, words: int) -> pa.Array:
    """Shorter reviews are not learned from, nor held out."""
    lengths = [pc.count_substring_regex(pc.coalesce(chunk[name], ""), A_WORD) for name in TEXTS]
    return pc.greater_equal(pc.add(*lengths), words)


def _topics(names: pa.Array, best: np.ndarray, *, shares: np.ndarray) -> pa.StructArray:
    topic = pa.array(best.ravel(), pa.int32())
    share = pa.array(np.take_along_axis(shares, best, axis=1).ravel(), pa.float64())
    return pa.StructArray.from_arrays([topic, names.take(topic), share], names=["topic", "name", "share"])


def _lists(values: pa.Array, known: np.ndarray, *, length: int) -> pa.ListArray:
    """`length` values for each known row in turn, an empty list for the others."""
    offsets = np.concatenate(([0], np.cumsum(known * length))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)
