"""Word vectors by gensim's skip-gram, and how they agree with people on word pairs; runs in the training image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recipes.headline_classifier.config import Hyperparameters
from recipes.headline_classifier.features import FIRST_WORD
from trainyard.contract.lean.imports import lean
from trainyard.contract.training.progress import progress

# The text that vectors are learned from, as processing leaves it.
CORPUS_FILE = "corpus.txt"
VECTORS_FILE = "vectors.txt"
SIMILARITY_FILE = "word_vectors.json"
WORD_PAIRS_FILE = "word_pairs.json"
# Share of the training job that the vectors take, for the progress that is shown.
PROGRESS_SHARE = 0.3


def train_vectors(corpus: Path, words: Sequence[str], *, hyperparameters: Hyperparameters, seed: int) -> np.ndarray:
    """Vectors (float32) [words + 2, size] of a text with a sentence per line; padding and unknown words are zero.

    Skip-gram with negative sampling (Mikolov et al. 2013) by gensim, in one thread: with more, equal seeds give unequal
    vectors.
    """
    with lean():
        from gensim.models import Word2Vec

    vectors = np.zeros((len(words) + FIRST_WORD, hyperparameters.vector_size), dtype=np.float32)
    if not words:
        return vectors
    model = Word2Vec(
        vector_size=hyperparameters.vector_size,
        window=hyperparameters.vector_window,
        negative=hyperparameters.vector_negatives,
        sample=hyperparameters.vector_sampling_threshold,
        alpha=hyperparameters.vector_learning_rate,
        sg=1,
        min_count=1,
        workers=1,
        seed=seed,
    )
    progress(0.0, f"vectors of {len(words):,} words")
    model.build_vocab(corpus_file=str(corpus), trim_rule=_keep_only(frozenset(words)))
    model.train(
        corpus_file=str(corpus),
        total_words=model.corpus_total_words,
        epochs=hyperparameters.vector_epochs,
    )
    progress(PROGRESS_SHARE, "word vectors trained")
    vectors[FIRST_WORD:] = model.wv[list(words)]
    return vectors


def _keep_only(words: frozenset[str]) -> object:
    from gensim import utils

    return lambda word, count, minimum: utils.RULE_KEEP if word in words else utils.RULE_DISCARD  # noqa: ARG005


def word_similarity(
    words: Sequence[str], vectors: np.ndarray, *, pairs: Sequence[tuple[str, str, float]]
) -> tuple[float, int]:
    """Spearman correlation of cosines with human scores, over the pairs whose words both have vectors; their number.

    The measure of WordSim-353 (Finkelstein et al. 2002). With fewer than three such pairs it is 0.
    """
    from scipy.stats import spearmanr

    index = {word: index for index, word in enumerate(words, start=FIRST_WORD)}
    known = [(index[a.lower()], index[b.lower()], s) for a, b, s in pairs if a.lower() in index and b.lower() in index]
    if len(known) < 3:
        return 0.0, len(known)
    first, second, judged = (np.asarray(each) for each in zip(*known, strict=True))
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    found = float(spearmanr((unit[first] * unit[second]).sum(axis=1), judged).statistic)
    return (found if np.isfinite(found) else 0.0), len(known)


def save(words: Sequence[str], vectors: np.ndarray, *, directory: Path) -> None:
    """Write `vectors.txt` in the text format of word2vec: a line with the counts, then a line per word."""
    with (directory / VECTORS_FILE).open("w", encoding="utf-8") as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n")
        for word, vector in zip(words, vectors[FIRST_WORD:], strict=True):
            file.write(f"{word} {' '.join(f'{value:.6g}' for value in vector)}\n")


def load(directory: Path, count: int) -> tuple[list[str], np.ndarray]:
    """The first `count` words of `vectors.txt`, which are the most frequent, and their vectors [count, size]."""
    with (directory / VECTORS_FILE).open(encoding="utf-8") as file:
        total, size = (int(each) for each in file.readline().split())
        rows = [file.readline().split(" ") for _ in range(min(count, total))]
    vectors = np.asarray([row[1:] for row in rows], dtype=np.float32).reshape(len(rows), size)
    return [row[0] for row in rows], vectors


def evaluate_similarity(
    features_dir: Path, words: Sequence[str], *, vectors: np.ndarray, model_dir: Path
) -> dict[str, float]:
    """Metrics of the vectors where word pairs were uploaded; also written to `word_vectors.json`."""
    path = features_dir / WORD_PAIRS_FILE
    if not path.exists():
        return {}
    pairs = [(str(a), str(b), float(s)) for a, b, s in json.loads(path.read_text(encoding="utf-8"))]
    correlation, known = word_similarity(words, vectors, pairs=pairs)
    found = {"word_similarity": correlation, "word_similarity_pairs": float(known)}
    (model_dir / SIMILARITY_FILE).write_text(json.dumps(found | {"pairs": len(pairs)}, indent=2), encoding="utf-8")
    return found
