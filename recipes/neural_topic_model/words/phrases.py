"""Finds pairs of words that stand together more often than by chance, such as battery life; runs in processing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from recipes.neural_topic_model.features import Lemmatizer

MIN_TIMES = 5
# A pair that is in fewer of the documents names none of their topics.
MIN_SHARE = 0.005
MIN_NPMI = 0.3
MOST = 1000


def phrases(
    texts: Iterable[tuple[str, str]], words: Sequence[str], *, lemmatizer: Lemmatizer
) -> tuple[tuple[str, str], ...]:
    """Pairs of `words` that are neighbours in many of the texts (key, text), the most frequent first.

    Pairs are judged by normalised pointwise mutual information of neighbours (Bouma 2009, "Normalized (Pointwise)
    Mutual Information in Collocation Extraction").
    """
    known, pairs, firsts, seconds = frozenset(words), Counter[tuple[str, str]](), Counter[str](), Counter[str]()
    documents = 0
    for _, text in texts:
        documents += 1
        found = [each for each in lemmatizer.neighbours(text) if known.issuperset(each)]
        pairs.update(found)
        firsts.update(first for first, _ in found)
        seconds.update(second for _, second in found)
    needed, total = max(MIN_TIMES, MIN_SHARE * documents), pairs.total()
    frequent = [(pair, times) for pair, times in pairs.items() if times >= needed and pair[0] != pair[1]]
    together = [
        (times, pair)
        for pair, times in frequent
        if _npmi(times, firsts[pair[0]], second=seconds[pair[1]], total=total) >= MIN_NPMI
    ]
    return tuple(pair for _, pair in sorted(together, key=lambda each: (-each[0], each[1]))[:MOST])


def _npmi(times: int, first: int, *, second: int, total: int) -> float:
    if times == total:
        return 1.0
    return math.log(times * total / (first * second)) / -math.log(times / total)
