"""Words as they are written, by their numbers in a model's vocabulary, for reviews asked one at a time; serving.

A lemma is looked up once: the dictionary of a language takes long to load and some time for each word.
"""

from __future__ import annotations

from collections.abc import Sequence

from recipes.neural_topic_model.features import Vocabulary

# The number of a word that the model does not count.
UNKNOWN = -1
# Words in the table beside those of the vocabulary: about 100 bytes each.
OTHER_WORDS = 50_000
# Longer words come from no language, and would need more room.
MAX_LETTERS = 40


class WordNumbers:
    """Numbers by word. Its size is bounded, whatever is asked: the words that were not there from the start go."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        words = (*vocabulary.words, *vocabulary.lemmatizer.stop_words)
        self._at_start = {word: self._found(word) for word in words}
        self._numbers = dict(self._at_start)

    def of(self, words: Sequence[str]) -> list[int]:
        """The number of each word's lemma, `UNKNOWN` for one that is not counted."""
        found = [*map(self._numbers.get, words)]
        return [self._new(word) if number is None else number for word, number in zip(words, found, strict=True)]

    def _new(self, word: str) -> int:
        number = self._found(word)
        if len(word) <= MAX_LETTERS:
            if len(self._numbers) >= len(self._at_start) + OTHER_WORDS:
                # In the place of the old one, which another thread may be reading.
                self._numbers = dict(self._at_start)
            self._numbers[word] = number
        return number

    def _found(self, word: str) -> int:
        return self._vocabulary.index.get(self._vocabulary.lemmatizer.lemma(word), UNKNOWN)
