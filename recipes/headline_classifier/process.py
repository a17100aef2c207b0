"""Encodes prepared headlines for training, with a vocabulary fitted on what is learned from; runs in processing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq

from recipes.headline_classifier.classes import in_order, names
from recipes.headline_classifier.config import Config, Data
from recipes.headline_classifier.features import BLOCK_TITLES, Encoder
from recipes.headline_classifier.network.word_vectors import CORPUS_FILE, WORD_PAIRS_FILE
from recipes.headline_classifier.ngrams.counts import NgramCounts
from recipes.headline_classifier.predictions import HEADLINES_FILE, numbered, texts
from recipes.headline_classifier.texts.encoded import EncodedHeadlines, EncodedHeadlinesWriter
from recipes.headline_classifier.texts.source_words import COLUMNS as SOURCE_COLUMNS
from recipes.headline_classifier.texts.source_words import without_source
from recipes.headline_classifier.texts.tokenizer import tokens
from trainyard.contract.holdout import ROLES, TRAIN, VALIDATION
from trainyard.contract.lean.arrow import pa
from trainyard.contract.spilling import database
from trainyard.errors import JobFailed

# gensim cuts sentences of more words.
SENTENCE_WORDS = 10_000
ENCODED = (TRAIN, VALIDATION)
# A headline counts by the size of its story to the power -STORY_EXPONENT: ten headlines of one story tell less of new
# stories than those of ten. Chosen on six splits of real headlines.
STORY_EXPONENT = 0.5
# Of the headlines that are learned from; and headlines that a word of addresses must occur in.
WITHOUT_SOURCE_PERCENT, LEAST_SOURCE_DF = 25, 2
# Of so many, accuracy is known to 0.3 %.
JUDGED_HEADLINES = 50_000


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """Write headlines, encoded headlines, text for word vectors and the encoder; returns their figures.

    * `features`: see `features.Encoder`; fitted on training and validation headlines, its words on the text for word
      vectors. `word_pairs.json`: judged word pairs.
    * `train`, `validation`: `headlines.parquet`, with the size of each headline's story, and the arrays of
      `EncodedHeadlines`.
    * `train/corpus.txt`: a sentence per line, words separated by spaces: uploaded text, then training headlines.
    * `holdout/headlines.parquet`: raw text with categories, for every model encodes for itself.

    The classes are those of the headlines, whichever they are. `JUDGED_HEADLINES` are kept for validation and as many
    for evaluation; memory does not grow with the headlines, only with their different n-grams.
    """
    for name in (*ROLES, "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    paths = {role: outputs / role / HEADLINES_FILE for role in ROLES}
    figures = {f"{role}_headlines": float(_write_headlines(inputs, role, path=path)) for role, path in paths.items()}
    words = _corpus(inputs, paths[TRAIN], path=outputs / TRAIN / CORPUS_FILE, data=config.data)
    # Also classes that no training headline has: they are known, and evaluated.
    classes = _classes(inputs)
    # What is learned from in the end: `train` puts aside what validation headlines say while it chooses by them.
    encoder = _fitted_encoder([paths[role] for role in ENCODED], words, classes=classes, data=config.data)
    encoder = replace(encoder, names=names(classes, _listed_names(inputs)))
    encoder.save(outputs / "features")
    for role in ENCODED:
        with EncodedHeadlinesWriter(outputs / role, length=encoder.length) as writer:
            for titles, labels, weights in _blocks(paths[role], classes):
                learned = [_sometimes_without_source(each) for each in titles] if role == TRAIN else titles
                writer.add(EncodedHeadlines.of(encoder, learned, labels=labels, weights=weights))
    figures |= {"classes": float(len(classes)), "words": float(len(encoder.words))}
    figures["n_grams"] = float(encoder.ngram_count)
    return figures | _word_pairs(inputs, outputs / "features" / WORD_PAIRS_FILE)


def _write_headlines(inputs: Path, role: str, *, path: Path) -> int:
    """Write headlines of a role by headline_id, so that the result does not depend on how the table was split.

    Returns how many: all of those that are learned from, of the others `JUDGED_HEADLINES` at most, evenly spread.
    """
    source = f"FROM {_prepared(inputs)} WHERE role = '{role}'"
    with database() as opened:
        [[count]] = opened.sql(f"SELECT count(*) {source}").fetchall()
        if not count:
            raise JobFailed(f"Expected {role} headlines, found none; upload more stories.")
        most = count if role == TRAIN else min(count, JUDGED_HEADLINES)
        kept = np.linspace(0, count - 1, most).round().astype(np.int64)
        of_story = "count(*) OVER (PARTITION BY story) AS story_headlines"
        query = f"SELECT * EXCLUDE (role), {of_story} {source} ORDER BY headline_id, title"
        reader = opened.sql(query).to_arrow_reader(BLOCK_TITLES)
        with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
            first = 0
            for batch in reader:
                rows = kept[np.searchsorted(kept, first) : np.searchsorted(kept, first + batch.num_rows)]
                writer.write_batch(batch.take(pa.array(rows - first)), row_group_size=BLOCK_TITLES)
                first += batch.num_rows
    return int(most)


def _classes(inputs: Path) -> tuple[str, ...]:
    """Of all headlines, also of those that are not kept."""
    with database() as opened:
        return in_order(each for (each,) in opened.sql(f"SELECT DISTINCT category FROM {_prepared(inputs)}").fetchall())  # noqa: S608


def _prepared(inputs: Path) -> str:
    """The prepared headlines, as SQL has them."""
    return "read_parquet('" + (inputs / "headlines").as_posix().replace("'", "''") + "/*.parquet')"


def _blocks(path: Path, classes: Sequence[str]) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """Texts, class numbers (int32) and weights by story (float32) of the headlines of a file, some at a time."""
    with pq.ParquetFile(path) as file:
        source = [name for name in SOURCE_COLUMNS if name in file.schema_arrow.names]
        columns = ["title", "category", "story_headlines", *source]
        for batch in file.iter_batches(batch_size=BLOCK_TITLES, columns=columns, use_threads=False):
            labels = numbered(batch["category"].to_pylist(), classes).astype(np.int32)
            weights = np.asarray(batch["story_headlines"], dtype=np.float32) ** -STORY_EXPONENT
            yield texts(batch), labels, weights


def _sometimes_without_source(text: str) -> str:
    """The text, of some without where it comes from: requests may lack it, and are answered by the other parts then."""
    return without_source(text) if crc32(text.encode()) % 100 < WITHOUT_SOURCE_PERCENT else text


def _fitted_encoder(paths: Sequence[Path], words: tuple[str, ...], *, classes: tuple[str, ...], data: Data) -> Encoder:
    words_seen, characters_seen, source_seen = (NgramCounts.empty(len(classes)) for _ in range(3))
    class_counts = np.zeros(len(classes), dtype=np.int64)
    for titles, labels, _ in chain.from_iterable(_blocks(path, classes) for path in paths):
        words_seen.add_word_ngrams(titles, labels)
        characters_seen.add_character_ngrams(titles, labels)
        source_seen.add_source_words(titles, labels)
        class_counts += np.bincount(labels, minlength=len(classes))
    max_size, smoothing = data.max_ngrams, data.naive_bayes_smoothing
    word_ngrams, word_odds = words_seen.vocabulary(class_counts, min_df=1, max_size=max_size, smoothing=smoothing)
    character_ngrams, character_odds = characters_seen.vocabulary(
        class_counts, min_df=data.min_character_ngram_df, max_size=max_size, smoothing=smoothing
    )
    source_words, source_odds = source_seen.vocabulary(
        class_counts, min_df=LEAST_SOURCE_DF, max_size=max_size, smoothing=smoothing
    )
    return Encoder(
        classes=classes,
        words=words,
        word_ngrams=word_ngrams,
        character_ngrams=character_ngrams,
        source_words=source_words,
        log_odds=np.concatenate((word_odds, character_odds, source_odds)),
        length=data.max_words,
    )


def _listed_names(inputs: Path) -> dict[str, str]:
    """What classes are called, by class or by their place, where a list of names was uploaded."""
    folder = inputs / "class_names"
    return {row["category"]: row["name"] for row in _rows(folder)}


def _corpus(inputs: Path, headlines: Path, *, path: Path, data: Data) -> tuple[str, ...]:
    """Write the text for word vectors to `path`; returns the words frequent enough in it, the most frequent first."""
    folder = inputs / "corpus"
    titles = chain.from_iterable(block for block, _, _ in _blocks(headlines, ()))
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
    for batch in _batches(folder, columns=["line"]):
        yield from batch.column(0).to_pylist()


def _word_pairs(inputs: Path, path: Path) -> dict[str, float]:
    """The pairs as a list of [first, second, similarity], where they were uploaded."""
    folder = inputs / "word_pairs"
    if not folder.is_dir():
        return {}
    pairs = [[row["first"], row["second"], row["similarity"]] for row in _rows(folder)]
    path.write_text(json.dumps(pairs, ensure_ascii=False), encoding="utf-8")
    return {"word_pairs": float(len(pairs))}


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a table that may not have been uploaded."""
    for batch in _batches(folder):
        yield from batch.to_pylist()


def _batches(folder: Path, *, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=BLOCK_TITLES, columns=columns)
