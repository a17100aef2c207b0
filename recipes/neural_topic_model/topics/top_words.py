"""Chooses the words that a topic is shown and judged by: relevant, found together, in few other topics; training."""

from __future__ import annotations

import numpy as np

# Relevance as in LDAvis: this share of log p(word | topic), the rest of its ratio to p(word).
FREQUENCY_WEIGHT = 0.75
# What a word costs in log odds for each other topic that lists it.
SHARED_WORD_COST = 0.3
CANDIDATES = 4
SWEEPS = 5


def relevance(word_shares: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """How relevant each word is to each topic [topics, words] (Sievert and Shirley 2014, "LDAvis", section 3.1).

    `word_shares` are the probabilities of words in topics [topics, words], `frequency` those in all documents.
    """
    shares = np.log(np.maximum(word_shares, 1e-12))
    return np.asarray(shares - (1.0 - FREQUENCY_WEIGHT) * np.log(frequency), dtype=np.float64)


def choose(relevant: np.ndarray, coherence: np.ndarray, *, weight: float, count: int) -> np.ndarray:
    """The `count` words of each topic [topics, count], the most relevant first.

    Sought is the highest sum of relevance, `weight` times the mean `coherence` [words, words] with the topic's other
    words, less `SHARED_WORD_COST` for every other topic with the word: one word is exchanged at a time, among the
    `CANDIDATES * count` most relevant, until none is better. With a weight of 0 topics only stay apart.
    """
    count = min(count, relevant.shape[1])
    candidates = np.argsort(-relevant, axis=1, kind="stable")[:, : CANDIDATES * count]
    chosen = candidates[:, :count].copy()
    listed = np.bincount(chosen.ravel(), minlength=relevant.shape[1])
    for _ in range(SWEEPS):
        before = chosen.copy()
        for topic, pool in enumerate(candidates):
            alone = relevant[topic, pool] - SHARED_WORD_COST * (listed[pool] - np.isin(pool, chosen[topic]))
            tied = weight / max(count - 1, 1) * coherence[np.ix_(pool, pool)]
            words = pool[_exchanged(np.flatnonzero(np.isin(pool, chosen[topic])), alone=alone, tied=tied)]
            listed += np.bincount(words, minlength=len(listed)) - np.bincount(chosen[topic], minlength=len(listed))
            chosen[topic] = words
        if (np.sort(chosen) == np.sort(before)).all():
            break
    order = np.argsort(-np.take_along_axis(relevant, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)


def _exchanged(places: np.ndarray, *, alone: np.ndarray, tied: np.ndarray) -> np.ndarray:
    """`places` [count] of candidates, each in turn exchanged for the one of most value beside the others.

    A candidate is worth `alone` [candidates] and what it is `tied` [candidates, candidates] to the others.
    """
    places, free = places.copy(), np.ones(len(alone), dtype=bool)
    free[places] = False
    together = tied[:, places].sum(axis=1)
    for index, place in enumerate(places):
        free[place] = True
        together -= tied[:, place]
        best = int(np.where(free, alone + together, -np.inf).argmax())
        free[best] = False
        together += tied[:, best]
        places[index] = best
    return places


def ranking(relevant: np.ndarray, chosen: np.ndarray, *, count: int) -> np.ndarray:
    """`count` words of each topic [topics, count]: the `chosen` ones, then the most relevant of the others."""
    value = relevant.copy()
    first = relevant.max() + np.arange(chosen.shape[1], 0, -1.0)
    np.put_along_axis(value, chosen, np.broadcast_to(first, chosen.shape), axis=1)
    return np.argsort(-value, axis=1, kind="stable")[:, :count]
