"""Where a text comes from, as words of their own behind it: of its address and its publisher; standard library only.

What is classified stays one text everywhere: `SEPARATOR` parts the words that a person reads from where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# A control character that no tokenizer keeps.
SEPARATOR = "\x1f"
MAX_SOURCE_WORDS, MAX_LETTERS = 60, 2_000
# Columns of prepared headlines, in the order in which they stand behind a text.
COLUMNS = ("url", "publisher")
# Numbers tell one article from the next, not one class from another. Looked for at the beginning of a word alone: a
# number of n digits would be read n times otherwise.
ADDRESS_WORD = re.compile(r"(?<![^\W_])[^\W_]*[^\W\d_][^\W_]*")
EVERYWHERE = frozenset(("http", "https", "www", "com", "html", "htm", "php"))


def with_source(text: str, source: Sequence[str | None]) -> str:
    """A text with address and publisher behind it, where there are any.

    >>> source_words(with_source("Rates rise", ("http://www.news.com/business/rates-7", "The Post")))
    ['u:news', 'u:business', 'u:rates', 'p:the post']
    """
    plain = text.replace(SEPARATOR, " ")
    return SEPARATOR.join((plain, *(each or "" for each in source))) if any(source) else plain


def without_source(text: str) -> str:
    """What a person reads of a text."""
    return text.partition(SEPARATOR)[0]


def source_words(text: str) -> list[str]:
    """Words of the address behind a text, each `u:word`, and its publisher, `p:name`; none behind a text alone."""
    if SEPARATOR not in text:
        return []
    _, url, publisher = (f"{text}{SEPARATOR}".split(SEPARATOR))[:3]
    found = [word for word in ADDRESS_WORD.findall(url[:MAX_LETTERS].casefold()) if word not in EVERYWHERE]
    name = " ".join(publisher[:MAX_LETTERS].casefold().split())
    return [*(f"u:{word}" for word in found[:MAX_SOURCE_WORDS]), *([f"p:{name}"] if name else [])]
