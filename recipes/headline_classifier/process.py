"""Encodes prepared headlines for training, with a vocabulary fitted on what is learned from; runs in processing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from recipes.headline_classifier.classes import in_order, names
from recipes.headline_classifier.config import Config, Data
from recipes.headline_classifier.encoded_headlines import EncodedHeadlines
from recipes.headline_classifier.features import BLOCK_TITLES, Encoder
from recipes.headline_classifier.ngram_counts import NgramCounts
from recipes.headline_classifier.predictions import HEADLINES_FILE, numbered
from recipes.headline_classifier.tokenizer import tokens
from recipes.headline_classifier.word_vectors import WORD_PAIRS_FILE
from trainyard.contract.holdout import ROLES
from trainyard.errors import JobFailed

CORPUS_FILE = "corpus.txt"
# gensim cuts sentences of more words.
SENTENCE_WORDS = 10_000


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """Write headlines, encoded headlines, text for word vectors and the encoder; returns their figures.

    * `features`: see `features.Encoder`; fitted on training and validation headlines, its words on the text for word
      vectors. `word_pairs.json`: judged word pairs.
    * `train`, `validation`: `headlines.parquet` and the arrays of `EncodedHeadlines`.
    * `train/corpus.txt`: a sentence per line, words separated by spaces: uploaded text, then training headlines.
    * `holdout/headlines.parquet`: raw text with categories, for every model encodes for itself.

    The classes are those of the headlines, whichever they are.
    """
    for name in (*ROLES, "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    figures = {}
    tables = {role: _headlines(inputs, role) for role in ROLES}
    for role, table in tables.items():
        pq.write_table(table, outputs / role / HEADLINES_FILE, compression="zstd")
        figures[f"{role}_headlines"] = float(table.num_rows)
    words = _corpus(inputs, tables["train"], path=outputs / "train" / CORPUS_FILE, data=config.data)
    # Also classes that no training headline has: they are known, and evaluated.
    classes = in_order(chain.from_iterable(table["category"].unique().to_pylist() for table in tables.values()))
    # What is learned from in the end: `train` puts aside what validation headlines say while it chooses by them.
    learned = pa.concat_tables([tables["train"], tables["validation"]])
    encoder = _fitted_encoder(learned, words, classes=classes, data=config.data)
    encoder = replace(encoder, names=names(classes, _listed_names(inputs)))
    encoder.save(outputs / "features")
    for role in ("train", "validation"):
        titles, labels = tables[role]["title"].to_pylist(), _labels(tables[role], classes)
        EncodedHeadlines.of(encoder, titles, labels=labels).save(outputs / role)
    figures |= {"classes": float(len(classes)), "words": float(len(encoder.words))}
    figures["n_grams"] = float(encoder.ngram_count)
    return figures | _word_pairs(inputs, outputs / "features" / WORD_PAIRS_FILE)


def _headlines(inputs: Path, role: str) -> pa.Table:
    """Headlines of a role by headline_id, so that the result does not depend on how the table was split into files."""
    table = ds.dataset(inputs / "headlines", format="parquet").to_table(filter=pc.field("role") == role)
    if table.num_rows == 0:
        raise JobFailed(f"Expected {role} headlines, found none; upload more stories.")
    return table.drop_columns(["role"]).sort_by("headline_id")


def _labels(table: pa.Table, classes: Sequence[str]) -> np.ndarray:
    return numbered(table["category"].to_pylist(), classes).astype(np.int32)


def _fitted_encoder(table: pa.Table, words: tuple[str, ...], *, classes: tuple[str, ...], data: Data) -> Encoder:
    titles, labels = table["title"].to_pylist(), _labels(table, classes)
    words_seen, characters_seen = NgramCounts.empty(len(classes)), NgramCounts.empty(len(classes))
    for start in range(0, len(titles), BLOCK_TITLES):
        block = slice(start, start + BLOCK_TITLES)
        words_seen.add_word_ngrams(titles[block], labels[block])
        characters_seen.add_character_ngrams(titles[block], labels[block])
    class_counts = np.bincount(labels, minlength=len(classes))
    max_size, smoothing = data.max_ngrams, data.naive_bayes_smoothing
    word_ngrams, word_odds = words_seen.vocabulary(class_counts, min_df=1, max_size=max_size, smoothing=smoothing)
    character_ngrams, character_odds = characters_seen.vocabulary(
        class_counts, min_df=data.min_character_ngram_df, max_size=max_size, smoothing=smoothing
    )
    return Encoder(
        classes=classes,
        words=words,
        word_ngrams=word_ngrams,
        character_ngrams=character_ngrams,
        log_odds=np.concatenate((word_odds, character_odds)),
        length=data.max_words,
    )


def _listed_names(inputs: Path) -> dict[str, str]:
    """What classes are called, by class or by their place, where a list of names was uploaded."""
    folder = inputs / "class_names"
    rows = ds.dataset(folder, format="parquet").to_table().to_pylist() if folder.is_dir() else []
    return {row["category"]: row["name"] for row in rows}


def _corpus(inputs: Path, headlines: pa.Table, *, path: Path, data: Data) -> tuple[str, ...]:
    """Write the text for word vectors to `path`; returns the words frequent enough in it, the most frequent first."""
    folder = inputs / "corpus"
    titles: Iterable[str] = headlines["title"].to_pylist()
    lines = chain(_lines(folder), titles) if folder.is_dir() else titles
    counts: Counter[str] = Counter()
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            found = tokens(line)
            counts.update(found)
            for start in range(0, len(found), SENTENCE_WORDS):
                file.write(" ".join(found[start : start + SENTENCE_WORDS]) + "\n")
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return tuple(word for word, count in ranked if count >= data.min_word_count)


def _lines(folder: Path) -> Iterator[str]:
    for batch in ds.dataset(folder, format="parquet").to_batches(columns=["line"], batch_size=BLOCK_TITLES):
        yield from batch.column(0).to_pylist()


def _word_pairs(inputs: Path, path: Path) -> dict[str, float]:
    """The pairs as a list of [first, second, similarity], where they were uploaded."""
    folder = inputs / "word_pairs"
    if not folder.is_dir():
        return {}
    rows = ds.dataset(folder, format="parquet").to_table().to_pylist()
    pairs = [[row["first"], row["second"], row["similarity"]] for row in rows]
    path.write_text(json.dumps(pairs, ensure_ascii=False), encoding="utf-8")
    return {"word_pairs": float(len(pairs))}
