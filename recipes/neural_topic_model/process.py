"""Turns prepared documents into bags of words, word vectors and held-out lemmas; runs in the processing image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from recipes.neural_topic_model.completion import save_unigram
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.features import Reader, Vocabulary
from recipes.neural_topic_model.word_vectors import WordVectors, skip_gram
from trainyard.errors import JobFailed

LEMMAS_FILE = "lemmas.parquet"
REFERENCE_FILE = "reference.parquet"
BATCH_DOCUMENTS = 20_000
# Coherence counts how often words meet in a bounded number of documents: more would change the third digit only.
REFERENCE_DOCUMENTS = 20_000
# What is left of contractions when the part after the apostrophe is gone, and words that say nothing about a topic.
MORE_STOP_WORDS = frozenset(
    [
        "don",
        "didn",
        "doesn",
        "isn",
        "wasn",
        "aren",
        "weren",
        "hasn",
        "haven",
        "hadn",
        "won",
        "wouldn",
        "couldn",
        "shouldn",
        "ain",
        "does",
        "did",
        "doing",
        "just",
        "really",
    ]
)


def process(inputs: Path, outputs: Path, config: Config) -> dict[str, float]:
    """Write examples and vocabulary; returns their figures.

    * `features/vocabulary.json`: see `features.Vocabulary`.
    * `train/bags.npz`, `validation/bags.npz`: see `features.Bags`; `train/vocabulary.json` again, for the baselines.
    * `holdout/lemmas.parquet` (document, lemmas): held-out documents in natural words, so that a model with another
      vocabulary can be scored on them. Beside them what scores are measured with, the same for every model:
      `reference.parquet` (training documents as lemmas), `vectors.npz` and `unigram.npz` (words and their shares).
    """
    for name in ("train", "validation", "holdout", "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    data = config.data
    reader = Reader(stop_words=frozenset(ENGLISH_STOP_WORDS) | MORE_STOP_WORDS, min_letters=data.min_letters)
    lemmas = {role: _Lemmas.read(inputs, role, reader) for role in ("train", "validation", "holdout")}
    train = lemmas["train"]
    vocabulary = Vocabulary(words=choose_words(train, config), reader=reader)
    vocabulary.save(outputs / "features")
    vocabulary.save(outputs / "train")
    bags = {role: vocabulary.bags(lemmas[role].documents, lemmas[role].keys) for role in ("train", "validation")}
    for role, each in bags.items():
        each.save(outputs / role)
    holdout = outputs / "holdout"
    lemmas["holdout"].write(holdout / LEMMAS_FILE)
    reference = train.spread(REFERENCE_DOCUMENTS)
    reference.write(holdout / REFERENCE_FILE)
    _word_vectors(inputs, reference.documents, config).save(holdout)
    frequency = bags["train"].word_frequency
    save_unigram(holdout, vocabulary.words, frequency / frequency.sum())
    figures = {f"{role}_documents": float(len(each.keys)) for role, each in lemmas.items()}
    return figures | {"words": float(len(vocabulary)), "train_lemmas": float(sum(map(len, train.documents)))}


def choose_words(train: _Lemmas, config: Config) -> tuple[str, ...]:
    """The lemmas in neither too many nor too few of the training documents, in alphabetical order.

    Raises JobFailed when fewer words than the model could use are left.
    """
    data = config.data
    frequency = train.document_frequency()
    low, high = max(2.0, data.min_df * len(train.keys)), data.max_df * len(train.keys)
    kept = sorted((-count, word) for word, count in frequency.items() if low <= count <= high)
    words = tuple(sorted(word for _, word in kept[: data.max_vocabulary]))
    needed = max(config.hyperparameters.topics, data.top_words)
    if len(words) < needed:
        raise JobFailed(
            f"Expected at least {needed} words in {low:.0f} to {high:.0f} of {len(train.keys)} training documents, "
            f"found {len(words)}; lower data.min_df in run.json or upload more reviews."
        )
    return words


class _Lemmas:
    """Documents as lists of lemmas; equal lemmas are one string in memory, so that a document costs 8 bytes a word."""

    def __init__(self, keys: Sequence[str], documents: Sequence[Sequence[str]]) -> None:
        self.keys = keys
        self.documents = documents

    @classmethod
    def read(cls, inputs: Path, role: str, reader: Reader) -> _Lemmas:
        keys: list[str] = []
        documents: list[tuple[str, ...]] = []
        known: dict[str, str] = {}
        for key, text in _texts(inputs, role):
            keys.append(key)
            documents.append(tuple(known.setdefault(lemma, lemma) for lemma in reader.lemmas(text)))
        if not keys:
            raise JobFailed(f"Expected {role} documents, found none; upload more reviews.")
        return cls(keys, documents)

    def document_frequency(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for word in chain.from_iterable(map(set, self.documents)):
            counts[word] = counts.get(word, 0) + 1
        return counts

    def spread(self, count: int) -> _Lemmas:
        """At most `count` documents, evenly spread over all (they are sorted by a hash, so this is a fair sample)."""
        rows = np.unique(np.linspace(0, len(self.keys) - 1, min(count, len(self.keys))).round().astype(int))
        return _Lemmas([self.keys[row] for row in rows], [self.documents[row] for row in rows])

    def write(self, path: Path) -> None:
        lists = pa.array([list(each) for each in self.documents], pa.list_(pa.string()))
        pq.write_table(pa.table({"document": pa.array(self.keys, pa.string()), "lemmas": lists}), path)


def _texts(inputs: Path, role: str) -> Iterator[tuple[str, str]]:
    """Keys and texts of the documents of one role, sorted by key."""
    files = (inputs / "documents").as_posix().replace("'", "''") + "/*.parquet"
    reader = duckdb.sql(
        f"SELECT document, text FROM read_parquet('{files}') WHERE role = '{role}' ORDER BY document"  # noqa: S608
    ).to_arrow_reader(BATCH_DOCUMENTS)
    for batch in reader:
        yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


def _word_vectors(inputs: Path, documents: Sequence[Sequence[str]], config: Config) -> WordVectors:
    if config.data.word_vectors == "trained":
        return skip_gram(documents, size=config.data.vector_size, seed=config.seed)
    table = pq.read_table(inputs / "vectors")
    numbers = [table[f"v{index}"].to_numpy() for index in range(config.data.vector_size)]
    return WordVectors(words=tuple(table["word"].to_pylist()), vectors=np.stack(numbers, axis=1).astype(np.float32))
