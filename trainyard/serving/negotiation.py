"""Which format a body has and which one the caller wants, from `Content-Type` and `Accept`; standard library only.

The rules are those of RFC 9110, section 12.5.1: the most specific range that names a format decides about it, `q=0`
excludes it, and white space around names, parameters and weights means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from trainyard.errors import Refused
from trainyard.serving.wire import ALIASES, JSON, MEDIA

UTF8 = {"utf-8", "utf8", "us-ascii"}
# More lenient than the standard in one thing: `.2` is a weight, too, which Java's own client sends.
WEIGHT = re.compile(r"[01]|[01]?\.\d{0,6}", re.ASCII)
ANYTHING = "*/*"
# Headers of callers, who mostly send the same ones again and again.
REMEMBERED = 64


@dataclass(frozen=True, kw_only=True)
class _Range:
    """A media range of `Accept`: a type, `type/*` or `*/*`, its weight, and where in the header it stands."""

    name: str
    weight: float
    place: int

    def specificity(self, media: str) -> int:
        """How closely the range names a type; -1 when it does not."""
        names = {media: 2, f"{media.partition('/')[0]}/*": 1, ANYTHING: 0}
        return names.get(self.name, -1)


@lru_cache(maxsize=REMEMBERED)
def content_type(header: str) -> str:
    """The media type of a body; no header means JSON. Raises Refused (415) for another type or character set."""
    name, parameters = _named(header)
    media = ALIASES.get(name, name) or JSON
    if media not in MEDIA or parameters.get("charset", "utf-8") not in UTF8:
        raise Refused(415, f"Expected Content-Type {', '.join(MEDIA)} in UTF-8, found {header!r:.100}.")
    return media


@lru_cache(maxsize=REMEMBERED)
def accepted(header: str, given: str) -> str:
    """The media type of the answer: the one that `Accept` weighs most; `given` where it does not matter.

    Of types with the same weight the one comes first that the header names first. Raises Refused (406) when there is
    none.

    >>> accepted("text/html, application/*;q=0.5, text/csv; q=0.9", "application/json")
    'text/csv'
    """
    if header.strip() in {"", ANYTHING}:
        return given
    ranges = [_range(text, place) for place, text in enumerate(header.split(","))]
    # The first of several that weigh the same wins, so the format of the request comes first.
    weighed = {media: _weight(ranges, media) for media in dict.fromkeys((given, *MEDIA))}
    best = max(weighed, key=lambda media: weighed[media])
    if weighed[best][0] <= 0:
        raise Refused(406, f"Expected Accept {', '.join(MEDIA)} or {ANYTHING}, found {header!r:.100}.")
    return best


def _weight(ranges: Sequence[_Range], media: str) -> tuple[float, int]:
    """The weight of a type, and how early the header names it; (0, 0) when it does not."""
    closest = max(ranges, key=lambda each: (each.specificity(media), each.weight))
    return (closest.weight, -closest.place) if closest.specificity(media) >= 0 else (0.0, 0)


def _range(text: str, place: int) -> _Range:
    name, parameters = _named(text)
    weight = parameters.get("q", "1")
    # A weight that is none says nothing about what the caller can read, so nothing is sent that it goes with.
    value = min(float(weight), 1.0) if WEIGHT.fullmatch(weight) and weight != "." else 0.0
    return _Range(name=ALIASES.get(name, ANYTHING if name == "*" else name), weight=value, place=place)


def _named(text: str) -> tuple[str, Mapping[str, str]]:
    """Name and parameters of a media type or range."""
    name, *rest = text.lower().split(";")
    pairs = (each.partition("=") for each in rest)
    return name.strip(), {key.strip(): value.strip(' \t"') for key, _, value in pairs}
