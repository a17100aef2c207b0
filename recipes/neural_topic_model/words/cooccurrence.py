"""NPMI of every two words, from the documents or the sliding windows in which both occur; plain numpy.

Training draws words together by it and evaluation judges topics by it. NPMI is `log(p(a, b) / (p(a) p(b))) / -log
p(a, b)`, where `p` is the share of documents or windows in which words occur (Bouma 2009, "Normalized (Pointwise)
Mutual Information in Collocation Extraction"). Two words that never occur together have -1, their limit; a pair with a
word that does not occur at all has 0, for it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def document_npmi(counts: np.ndarray) -> np.ndarray:
    """NPMI of every two words [words, words] over documents given as counts of words [documents, words]."""
    presence = (counts > 0).astype(np.float32)
    joint = presence.T @ presence / len(presence)
    return _npmi(joint.astype(np.float64), np.diag(joint).astype(np.float64))


def expected_npmi(counts: np.ndarray, *, documents: float) -> np.ndarray:
    """NPMI of every two words as a sample of so many documents would show it, float32 [words, words].

    Words that occur together in a share `p` of the documents given as counts [documents, words] never do so in the
    sample with probability exp(-documents * p), and then have -1. A word with itself has 0.
    """
    presence = (counts > 0).astype(np.float32)
    unseen = np.exp(-documents / len(presence) * (presence.T @ presence))
    table = (1.0 - unseen) * document_npmi(counts) - unseen
    np.fill_diagonal(table, 0.0)
    return np.asarray(table, dtype=np.float32)


def window_npmi(words: Sequence[str], documents: Iterable[Sequence[str]], *, window: int | None) -> np.ndarray:
    """NPMI of every two of `words` [words, words] over sliding windows of `window` words; None for whole documents."""
    counts, windows = _window_counts({word: column for column, word in enumerate(words)}, documents, window=window)
    return _npmi(counts / windows, np.diag(counts) / windows)


def _npmi(joint: np.ndarray, single: np.ndarray) -> np.ndarray:
    """NPMI from the probabilities of pairs [words, words] and of words [words]."""
    expected = np.outer(single, single)
    occurs = joint > 0
    ratio = np.log(np.divide(joint, expected, out=np.ones_like(joint), where=occurs))
    # Two words that are in every window are as tied as can be: the limit is 1.
    surprise = -np.log(np.where(occurs & (joint < 1), joint, np.exp(-1.0)))
    value = np.where(joint >= 1, 1.0, ratio / surprise)
    value = np.where(occurs, value, -1.0)
    return np.where(expected > 0, value, 0.0)


def _window_counts(
    columns: Mapping[str, int], documents: Iterable[Sequence[str]], *, window: int | None
) -> tuple[np.ndarray, int]:
    """In how many windows every two words occur [words, words] (diagonal: each alone), and how many there are."""
    counts = np.zeros((len(columns), len(columns)))
    windows = 0
    for document in documents:
        width = len(document) if window is None else min(window, len(document))
        if not width:
            continue
        windows += len(document) - width + 1
        occurrences = [(position, columns[word]) for position, word in enumerate(document) if word in columns]
        _add_windows(counts, occurrences, length=len(document), width=width)
    return counts, max(windows, 1)


def _add_windows(counts: np.ndarray, occurrences: list[tuple[int, int]], *, length: int, width: int) -> None:
    """Add a document's windows to `counts`; only those near a word of interest are looked at."""
    if not occurrences:
        return
    position = np.asarray([position for position, _ in occurrences])
    words, column = np.unique([word for _, word in occurrences], return_inverse=True)
    # A word at `position` is in the windows that start from position - width + 1 to position, as far as they exist.
    changes = np.zeros((length - width + 2, len(words)), dtype=np.int32)
    np.add.at(changes, (np.maximum(position - width + 1, 0), column), 1)
    np.add.at(changes, (np.minimum(position, length - width) + 1, column), -1)
    inside = (np.cumsum(changes, axis=0)[:-1] > 0).astype(np.float32)
    counts[np.ix_(words, words)] += inside.T @ inside
