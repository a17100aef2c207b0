"""Gives topics short names that people can read and tell apart; for evaluate, report, score and serve."""

from __future__ import annotations

from collections.abc import Sequence

NAMING_WORDS = 3
# Both words of a phrase are among so many first words of its topic.
PHRASE_WORDS = 10


def topic_names(topics: Sequence[Sequence[str]], phrases: Sequence[tuple[str, str]]) -> list[str]:
    """Names such as `battery life, charger`, of the words of each topic, the most relevant first.

    A name has three words, more only where another topic would be called the same.
    """
    names: list[str] = []
    for words in topics:
        parts = _parts(words, phrases)
        name = ", ".join(parts)
        for word in words:
            if name not in names:
                break
            name = name if word in name.replace(",", "").split() else f"{name}, {word}"
        names.append(name)
    return names


def _parts(words: Sequence[str], phrases: Sequence[tuple[str, str]]) -> list[str]:
    first = words[:PHRASE_WORDS]
    within = [each for each in phrases if set(each) <= set(first)]
    if not within:
        return list(words[:NAMING_WORDS])
    # The phrase that holds the most relevant word; of several the most frequent.
    phrase = min(within, key=lambda pair: min(first.index(pair[0]), first.index(pair[1])))
    rest = [word for word in first if word not in phrase][: NAMING_WORDS - len(phrase)]
    return [" ".join(phrase), *rest]
