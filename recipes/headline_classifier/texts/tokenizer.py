"""The words of a text, the same for process, train, evaluate, report and serve; standard library only."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from recipes.headline_classifier.texts.source_words import with_source, without_source

# Signs of vowels that Unicode does not count as letters: without them the words of India's scripts would fall apart.
VOWEL_SIGNS = "".join(
    chr(code)
    for code in range(0x0900, 0x1A00)
    if unicodedata.category(chr(code)) in ("Mn", "Mc") and not unicodedata.combining(chr(code))
)
LETTER = rf"[\w{VOWEL_SIGNS}]"
WORD = rf"{LETTER}+(?:'{LETTER}+)*"
# Every sign is a word of its own: "great!" and "great?" are two reviews, and each publisher has its own dashes.
TOKEN = re.compile(rf"{WORD}|[^\w\s]")
# As models from before that were taught.
TOKEN_OF_FEW_SIGNS = re.compile(rf"{WORD}|[$%&]")
# What an entity of HTML became where a program took its ampersand away: ` #39;s` and ` quot;`, as in AG's corpus.
LOST_AMPERSAND = re.compile(r"\s?(?<![&\w])(#39|#\d{2,4}|quot|amp|lt|gt|nbsp);")
TAG = re.compile(r"</?[a-z][^<>]{0,500}>", re.IGNORECASE)


def tokens(text: str, *, signs: bool = True) -> list[str]:
    """The words of a text: lower case, without accents, digits and inner apostrophes kept, and each sign.

    Without `signs`, of these only currency, percent and ampersand.

    >>> tokens("Fed&#39;s Yellen: 2% isn't a “Café” <b>price</b>")
    ["fed's", 'yellen', ':', '2', '%', "isn't", 'a', '“', 'cafe', '”', 'price']
    """
    folded = without_markup(without_source(text)).casefold().replace("\u2019", "'")
    decomposed = unicodedata.normalize("NFKD", folded)
    token = TOKEN if signs else TOKEN_OF_FEW_SIGNS
    return token.findall("".join(each for each in decomposed if not unicodedata.combining(each)))


def without_markup(text: str) -> str:
    """A text as people read it: entities of HTML as the characters that they stand for, and no tags.

    >>> without_markup("AT&amp;T #39;s <i>profit</i>")
    "AT&T's  profit "
    """
    if ";" in text:
        text = html.unescape(LOST_AMPERSAND.sub(r"&\1;", text))
    return TAG.sub(" ", text) if "<" in text else text


def joined(title: str, description: str | None, *, source: Sequence[str | None] = ()) -> str:
    """Title and description as the one text that is classified; `prepare` joins them in the same way.

    `source` are its address and its publisher (see `source_words`).

    >>> joined("Rates rise", None), joined("Rates rise", "The Fed acts.")
    ('Rates rise', 'Rates rise. The Fed acts.')
    """
    return with_source(f"{title}. {description}" if description else title, source)
