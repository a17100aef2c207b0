"""What is written between the words of a text and is none of them; the same in prepare, process and serving.

The patterns mean the same to Python, to DuckDB (RE2) and to Spark (Java): prepare uses them in tables, where they tell
copies of a text apart from different texts; what a model learns from went through `plain`.
"""

from __future__ import annotations

import html
import re

# Tags and comments; web and mail addresses; a new line, a tab or a quote written as two characters.
PATTERNS = (
    r"</?[A-Za-z][^>]{0,200}>|<!--",
    r"(https?://|www\.)[^\s<>\"]+",
    # Bounded as names before the @ are: without, Python and Java read a word of n letters n times.
    r"[\w.+-]{1,64}@[\w-]+\.[\w.]+",
    r"\\[nrt\"']",
)
# Character references, for whoever cannot turn them into what they stand for.
REFERENCES = r"&(#?[A-Za-z0-9]{1,10});"
_NOT_WORDS = re.compile("|".join(PATTERNS))
# Exports escape what was escaped before.
UNESCAPED_TIMES = 2


def plain(text: str) -> str:
    r"""A text in lower case, in which mark-up and addresses are spaces, and character references what they stand for.

    >>> plain(r"Great<br />tea&nbsp;&amp; caf&eacute;\nsee www.tea.org")
    'great tea\xa0& café see  '
    """
    for _ in range(UNESCAPED_TIMES):
        text = html.unescape(text) if "&" in text else text
    lowered = _NOT_WORDS.sub(" ", text).lower()
    return lowered.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
