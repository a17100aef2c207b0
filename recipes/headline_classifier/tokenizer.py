"""The words of a text, the same for process, train, evaluate, report and serve; standard library only."""

from __future__ import annotations

import re
import unicodedata

TOKEN = re.compile(r"\w+(?:'\w+)*|[$%&]")


def tokens(text: str) -> list[str]:
    """The words of a text: lower case, without accents, digits and inner apostrophes kept, currency and percent too.

    >>> tokens("Fed's Yellen: 2% isn't a “Café” price")
    ["fed's", 'yellen', '2', '%', "isn't", 'a', 'cafe', 'price']
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    return TOKEN.findall("".join(each for each in decomposed if not unicodedata.combining(each)))
