"""Documents as lists of lemmas: made of text in processing, read by evaluation and the report; no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.neural_topic_model.bags_of_words import evenly_spread
from recipes.neural_topic_model.features import Lemmatizer
from trainyard.errors import JobFailed

# Held-out documents, and training documents over which coherence is measured.
HOLDOUT_CORPUS_FILE = "lemmas.parquet"
REFERENCE_CORPUS_FILE = "reference.parquet"
DOCUMENTS_PER_READ = 20_000


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Stable keys and lemmas of documents, sorted by key, which is a hash: any even choice of them is a fair sample."""

    keys: Sequence[str]
    documents: Sequence[Sequence[str]]

    @classmethod
    def lemmatize(cls, prepared: Path, role: str, *, lemmatizer: Lemmatizer) -> Corpus:
        """The prepared documents of a role; raises JobFailed where there are none.

        Equal lemmas are one string in memory, so that a document costs 8 bytes a word.
        """
        keys: list[str] = []
        documents: list[tuple[str, ...]] = []
        interned: dict[str, str] = {}
        for key, text in texts(prepared, role):
            keys.append(key)
            documents.append(tuple(interned.setdefault(lemma, lemma) for lemma in lemmatizer.lemmas(text)))
        if not keys:
            raise JobFailed(f"Expected {role} documents, found none; upload more reviews.")
        return cls(keys=keys, documents=documents)

    @property
    def words(self) -> int:
        """Lemmas of all documents together."""
        return sum(map(len, self.documents))

    def document_frequency(self) -> dict[str, int]:
        """In how many documents each lemma occurs."""
        counts: dict[str, int] = {}
        for word in chain.from_iterable(map(set, self.documents)):
            counts[word] = counts.get(word, 0) + 1
        return counts

    def sample(self, count: int) -> Corpus:
        """At most `count` documents, evenly spread over all."""
        rows = evenly_spread(len(self.keys), count).tolist()
        return Corpus(keys=[self.keys[row] for row in rows], documents=[self.documents[row] for row in rows])

    def save(self, path: Path) -> None:
        lists = pa.array([list(each) for each in self.documents], pa.list_(pa.string()))
        pq.write_table(pa.table({"document": pa.array(self.keys, pa.string()), "lemmas": lists}), path)


def load_lemmas(path: Path) -> list[list[str]]:
    """The documents that `Corpus.save` wrote, each a list of lemmas."""
    documents: list[list[str]] = pq.read_table(path, columns=["lemmas"])["lemmas"].to_pylist()
    return documents


def texts(prepared: Path, role: str, *, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """Keys and texts of the documents of one role, sorted by key; at most the first `limit`."""
    most = "" if limit is None else f"LIMIT {limit}"
    files = (prepared / "documents").as_posix().replace("'", "''") + "/*.parquet"
    reader = duckdb.sql(
        f"SELECT document, text FROM read_parquet('{files}') WHERE role = '{role}' ORDER BY document {most}"  # noqa: S608
    ).to_arrow_reader(DOCUMENTS_PER_READ)
    for batch in reader:
        yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
