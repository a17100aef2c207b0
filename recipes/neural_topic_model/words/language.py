"""Which language texts are in, and what follows for their words: stop words and lemmas; in Glue and processing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from recipes.neural_topic_model.words.stop_words import STOP_WORDS

# Languages that are written without spaces between words: their words cannot be told apart here.
WITHOUT_SPACES = {"zh": "Chinese", "ja": "Japanese", "th": "Thai", "lo": "Lao", "km": "Khmer", "my": "Burmese"}
# What detection, the lists of stop words and the dictionaries of lemmas call the same language.
DETECTED_AS = {"nb": "no", "nn": "no", "bs": "hr", "sr": "hr"}
LEMMAS_OF = {"no": "nb", "hr": "hbs"}
ENGLISH = "en"
# What detection answers for numbers, keys and the like.
NO_LANGUAGE = "zxx"
LETTERS_LOOKED_AT = 2000


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language by its two letters, and the share of the texts that is in it."""

    code: str
    share: float

    @property
    def stop_words(self) -> frozenset[str]:
        """Words that say nothing about a topic; none for a language without a list."""
        return stop_words(self.code)


def detected(texts: Iterable[str]) -> Language:
    """The language that most of the texts are in; English where there are none."""
    # Here, for it takes two seconds to load, and a language may be set.
    from py3langid.langid import classify

    codes = Counter(_code(classify(each[:LETTERS_LOOKED_AT])[0]) for each in texts)
    del codes[NO_LANGUAGE]
    if not codes:
        return Language(code=ENGLISH, share=0.0)
    code, times = min(codes.items(), key=lambda each: (-each[1], each[0]))
    return Language(code=code, share=times / codes.total())


def _code(found: str) -> str:
    return DETECTED_AS.get(found, found)


def stop_words(code: str) -> frozenset[str]:
    """Words of a language that say nothing about a topic; none for a language without a list."""
    if code == ENGLISH:
        return STOP_WORDS
    from stopwordsiso import stopwords

    return frozenset(word.lower() for word in stopwords(code))


def dictionary_of(code: str) -> str:
    """What simplemma calls a language."""
    return LEMMAS_OF.get(code, code)
