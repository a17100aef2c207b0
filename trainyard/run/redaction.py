"""Takes what a secret says out of texts that people are shown, such as the reason of a failed job; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN = "***"
# The user and password of any address: drivers repeat the address that they could not reach.
CREDENTIALS_OF_URL = re.compile(r"(?<=://)[^\s/@'\"]*:[^\s/'\"]*@")
# Fields of a database secret that give nothing away and are words of their own in many sentences.
HARMLESS = frozenset({"engine", "port", "sslmode"})


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the credentials of any URL in it, and without what these secrets say, field by field.

    >>> redacted("cannot reach mysql://ann:s3@db/sales")
    'cannot reach mysql://***@db/sales'
    >>> redacted("Access denied for ann@db", ['{"username": "ann", "password": "s3", "host": "db", "port": 3306}'])
    'Access denied for ***@***'
    """
    words = {form for secret in secrets for word in _words(secret) for form in _forms(word)}
    for word in sorted(words, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)" if word.isalnum() else re.escape(word), HIDDEN, text)
    return CREDENTIALS_OF_URL.sub(f"{HIDDEN}@", text)


def _words(secret: str) -> Iterator[str]:
    """The secret itself, and each thing it says: the fields of a JSON object, the parts of a URL."""
    yield secret
    try:
        fields = json.loads(secret)
    except ValueError:
        fields = {}
    if isinstance(fields, Mapping):
        yield from (str(value) for name, value in fields.items() if name not in HARMLESS and not _nested(value))
        yield from _parts_of_url(str(fields.get("url", "")))


def _nested(value: object) -> bool:
    return isinstance(value, Mapping | list | bool) or value is None


def _parts_of_url(url: str) -> Iterator[str]:
    """User, password and host; nothing where the address is none."""
    user, found, address = url.partition("://")[2].rpartition("@")
    if found:
        yield from user.split(":", 1)
        yield urlsplit(f"//{address}").hostname or ""
    yield from (value for name, value in parse_qsl(url.partition("?")[2]) if name in ("user", "password"))


def _forms(word: str) -> Iterator[str]:
    """How a word may be written: as it is, in a URL, in JSON, as Python prints it."""
    forms = (word, unquote(word), quote(word, safe=""), quote_plus(word), json.dumps(word)[1:-1], repr(word)[1:-1])
    return (form for form in forms if form.strip())
