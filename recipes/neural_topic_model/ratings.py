"""What a rating says of the one who gave it, whatever the scale; Ibis expressions that run in Glue."""

from __future__ import annotations

from typing import Any

import ibis

from trainyard.contract.records import rows

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
    # Asked at once: as a window over all rows, it would send every text through one task.
    place = _place(number, **rows(reviews.agg(low=number.min(), high=number.max()))[0])
    return ibis.cases(
        (text.isin(NEGATIVE_WORDS) | (place <= END), "negative"),
        (text.isin(POSITIVE_WORDS) | (place >= 1.0 - END), "positive"),
        (text.notnull(), "neutral"),
        else_="unknown",
    )


def _place(number: Any, *, low: float | None, high: float | None) -> Any:
    """Where a number lies on the scale of all of them, the first that has both `low` and `high`, from 0 to 1."""
    if low is None or high is None:
        return ibis.null("float64")
    scales = ((first, last - first) for first, last in SCALES if first <= low and high <= last)
    start, width = next(scales, (low, high - low))
    return (number - start) / (width or 1.0)
