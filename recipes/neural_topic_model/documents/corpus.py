"""Documents as lists of lemmas: made of text in processing, read by evaluation and the report; no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from recipes.neural_topic_model.features import Lemmatizer
from trainyard.contract.lean.arrow import pa, read_table
from trainyard.contract.spilling import database
from trainyard.errors import JobFailed

# Held-out documents, and training documents over which coherence is measured.
HOLDOUT_CORPUS_FILE = "lemmas.parquet"
REFERENCE_CORPUS_FILE = "reference.parquet"
DOCUMENTS_PER_READ = 20_000


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Stable keys and lemmas of some documents, sorted by key, which is a hash."""

    keys: Sequence[str]
    documents: Sequence[Sequence[str]]

    @classmethod
    def lemmatize(cls, prepared: Path, role: str, *, lemmatizer: Lemmatizer, limit: int) -> Corpus:
        """The first `limit` prepared documents of a role, a fair sample; raises JobFailed where there are none."""
        found = [(key, lemmatizer.lemmas(text)) for key, text in texts(prepared, role, limit=limit)]
        if not found:
            raise JobFailed(f"Expected {role} documents, found none; upload more reviews.")
        return cls(keys=[key for key, _ in found], documents=[lemmas for _, lemmas in found])


def save_lemmas(documents: Sequence[Sequence[str]], path: Path, *, keys: Sequence[str] | None = None) -> None:
    """Write documents given as lemmas, with their keys as the column `document` where given."""
    columns = {"lemmas": pa.array([list(each) for each in documents], pa.list_(pa.string()))}
    if keys is not None:
        columns = {"document": pa.array(keys, pa.string()), **columns}
    pq.write_table(pa.table(columns), path)


def load_lemmas(path: Path, *, count: int | None = None) -> list[list[str]]:
    """The (first `count`) documents that `save_lemmas` wrote, each a list of lemmas."""
    documents: list[list[str]] = read_table(path, ["lemmas"])["lemmas"].slice(0, count).to_pylist()
    return documents


def texts(prepared: Path, role: str, *, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """Keys and texts of the documents of one role, sorted by key; at most the first `limit`."""
    most = "" if limit is None else f"LIMIT {limit}"
    query = f"SELECT document, text FROM {files_of(prepared)} WHERE role = '{role}' ORDER BY document {most}"  # noqa: S608
    with database() as opened:
        for batch in opened.sql(query).to_arrow_reader(DOCUMENTS_PER_READ):
            yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


def documents_of_roles(prepared: Path) -> dict[str, int]:
    """How many prepared documents there are of each role."""
    with database() as opened:
        return dict(opened.sql(f"SELECT role, count(*) FROM {files_of(prepared)} GROUP BY role").fetchall())  # noqa: S608


def language_of(prepared: Path) -> str:
    """The language of the documents, in two letters."""
    with database() as opened:
        [[code]] = opened.sql(f"SELECT code FROM {files_of(prepared, 'language')}").fetchall()  # noqa: S608
        return str(code)


def files_of(prepared: Path, table: str = "documents") -> str:
    """The prepared documents, or another prepared table, as SQL has them."""
    return "read_parquet('" + (prepared / table).as_posix().replace("'", "''") + "/*.parquet')"
