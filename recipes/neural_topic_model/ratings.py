"""What a rating says of the one who gave it, whatever the scale; Ibis expressions that run in Glue."""

from __future__ import annotations

from typing import Any

import ibis

NUMBER = r"^\s*[+-]?[0-9]+([.][0-9]+)?\s*$"
POSITIVE_WORDS = ("positive", "pos", "good", "like", "liked", "recommended", "thumbs up", "true", "yes", "happy")
NEGATIVE_WORDS = (
    "negative",
    "neg",
    "bad",
    "dislike",
    "disliked",
    "not recommended",
    "thumbs down",
    "false",
    "no",
    "sad",
)
# The scales that people rate on, the narrowest first: ratings belong to the first one that holds them all.
SCALES = ((1.0, 2.0), (0.0, 1.0), (-1.0, 1.0), (1.0, 5.0), (0.0, 5.0), (1.0, 10.0), (0.0, 10.0), (0.0, 100.0))
# So much of a scale at either end is negative and positive: 1 and 2 of five stars, 4 and 5; 1 to 3 of ten, 8 to 10.
END = 0.3


def sentiment_of(reviews: ibis.Table) -> Any:
    """Negative, neutral or positive, and unknown without a rating; an expression over the text column `rating`."""
    text = reviews.rating.lower().strip()
    number = ibis.ifelse(reviews.rating.re_search(NUMBER), reviews.rating, None).cast("float64")
    place = _place(number)
    return ibis.cases(
        (text.isin(NEGATIVE_WORDS) | (place <= END), "negative"),
        (text.isin(POSITIVE_WORDS) | (place >= 1.0 - END), "positive"),
        (text.notnull(), "neutral"),
        else_="unknown",
    )


def _place(number: Any) -> Any:
    """Where a number lies on the scale of all of them, from 0 to 1."""
    everywhere = ibis.window()
    low, high = number.min().over(everywhere), number.max().over(everywhere)
    within = [((low >= first) & (high <= last), first, last) for first, last in SCALES]
    start = ibis.cases(*((fits, first) for fits, first, _ in within), else_=low)
    width = ibis.cases(*((fits, last - first) for fits, first, last in within), else_=high - low)
    return (number - start) / ibis.ifelse(width > 0, width, 1.0)
