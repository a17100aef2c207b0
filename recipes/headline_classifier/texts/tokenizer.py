"""The words of a text, the same for process, train, evaluate, report and serve; standard library only."""

from __future__ import annotations

import html
import re
import unicodedata

# Signs of vowels that Unicode does not count as letters: without them the words of India's scripts would fall apart.
VOWEL_SIGNS = "".join(
    chr(code)
    for code in range(0x0900, 0x1A00)
    if unicodedata.category(chr(code)) in ("Mn", "Mc") and not unicodedata.combining(chr(code))
)
LETTER = rf"[\w{VOWEL_SIGNS}]"
TOKEN = re.compile(rf"{LETTER}+(?:'{LETTER}+)*|[$%&]")
# What an entity of HTML became where a program took its ampersand away: ` #39;s` and ` quot;`, as in AG's corpus.
LOST_AMPERSAND = re.compile(r"\s?(?<![&\w])(#39|#\d{2,4}|quot|amp|lt|gt|nbsp);")
TAG = re.compile(r"</?[a-z][^<>]{0,500}>", re.IGNORECASE)


def tokens(text: str) -> list[str]:
    """The words of a text: lower case, without accents, digits and inner apostrophes kept, currency and percent too.

    >>> tokens("Fed&#39;s Yellen: 2% isn't a “Café” <b>price</b>")
    ["fed's", 'yellen', '2', '%', "isn't", 'a', 'cafe', 'price']
    """
    folded = without_markup(text).casefold().replace("\u2019", "'")
    decomposed = unicodedata.normalize("NFKD", folded)
    return TOKEN.findall("".join(each for each in decomposed if not unicodedata.combining(each)))


def without_markup(text: str) -> str:
    """A text as people read it: entities of HTML as the characters that they stand for, and no tags.

    >>> without_markup("AT&amp;T #39;s <i>profit</i>")
    "AT&T's  profit "
    """
    if ";" in text:
        text = html.unescape(LOST_AMPERSAND.sub(r"&\1;", text))
    return TAG.sub(" ", text) if "<" in text else text


def joined(title: str, description: str | None) -> str:
    """Title and description as the one text that is classified; `prepare` joins them in the same way.

    >>> joined("Rates rise", None), joined("Rates rise", "The Fed acts.")
    ('Rates rise', 'Rates rise. The Fed acts.')
    """
    return f"{title}. {description}" if description else title
