"""Decides what the column rating of a data set means: ratings on some scale, or mere interactions; runs in Glue.

Ratings have a lowest and a highest value and many between or at both. Where there is no such column, where all its
values are equal, or where they are amounts (films watched so often, hours played, pieces bought), a row says that
somebody chose something, and no more: amounts spread over orders of magnitude, as no scale does.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis

from recipes.two_tower.config import Data
from trainyard.contract.records import rows

# Values that differ by less are one value in the 32 bits that models compute in.
LEAST_RELATIVE_DIFFERENCE = 1e-6
# No usual scale ends above it with half of its ratings in its lowest tenth.
AMOUNTS_ABOVE = 10.0
AMOUNTS_OVER_MEDIAN = 10.0
# About half: the fourth of five stars is reached by 48 to 58 % of the ratings in the releases of MovieLens.
LIKED_SHARE = 0.45
# With more than half of the ratings on the lowest value, a scale has to be short to be one.
LOPSIDED_ABOVE = 5.0
# Where there are fewer, 0 is a vote.
FEW_STARS = 3


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What the ratings of a data set are, and the sentence that says why.

    `lowest`, `highest` and `relevant` are of ratings: where their scale begins and ends, and what counts as liked
    (`liked_share` of them). `missing` rows have no value; `positive_only` says that amounts of 0 and less are no
    interaction.
    """

    rated: bool
    sentence: str
    lowest: float = 1.0
    highest: float = 1.0
    relevant: float = 1.0
    liked_share: float = 1.0
    missing: int = 0
    positive_only: bool = False

    def kept(self, ratings: ibis.Table) -> ibis.Table:
        """The rows that count, with a rating of 1 where they are interactions."""
        if self.rated:
            return ratings.filter(ratings.rating.notnull())
        counted = ratings.filter((ratings.rating > 0).fill_null(True)) if self.positive_only else ratings
        # A literal 1.0 would be a decimal, which is no number of numpy's.
        return counted.mutate(rating=ibis.literal(1).cast("float64"))


@dataclass(frozen=True, kw_only=True)
class _Values:
    """Figures of the values of ratings; `tail` is what one in a hundred exceeds, `zeros` are rows of 0, and `least` is
    the smallest value above 0."""

    count: int
    missing: int
    lowest: float
    highest: float
    median: float
    tail: float
    zeros: int
    least: float


def learned(ratings: ibis.Table, data: Data) -> Feedback:
    """What the column rating means, by its values, or as `data.feedback` says."""
    counts = _value_counts(ratings)
    values = _values(ratings, counts)
    why = {"interactions": "data.feedback says so", "ratings": ""}.get(data.feedback, _why_interactions(values))
    if why:
        return _interactions(values, why)
    relevant, share = _relevant(counts, data, lowest=values.lowest)
    chosen = "" if data.relevant_rating is not None else " (data.relevant_rating in run.json sets another limit)"
    return Feedback(
        rated=True,
        sentence=f"ratings: taken as ratings from {values.lowest:g} to {values.highest:g}; {relevant:g} or more counts "
        f"as liked, which {share:.1%} of them are{chosen}.{_doubtful_zeros(values)}",
        lowest=values.lowest,
        highest=values.highest,
        relevant=relevant,
        liked_share=share,
        missing=values.missing,
    )


def _doubtful_zeros(values: _Values) -> str:
    """A hint where 0 may be no rating: exports of libraries write it for what has not been rated yet."""
    if not values.zeros or values.lowest < 0 or values.least < 1 or values.highest < FEW_STARS:
        return ""
    rows = "row has" if values.zeros == 1 else "rows have"
    return f" {values.zeros:,} {rows} 0: leave them out if that is what has not been rated."


def _interactions(values: _Values, why: str) -> Feedback:
    differ = values.lowest < values.highest
    sentence = f"ratings: taken as interactions, for {why}; every row counts as liked, and no ratings are predicted."
    if differ:
        sentence += ' If they are ratings, set data.feedback to "ratings" in run.json.'
    return Feedback(rated=False, sentence=sentence, positive_only=differ and values.median > 0)


def _why_interactions(values: _Values) -> str:
    """Why values are no ratings, empty where they are some."""
    if values.count == 0:
        return "no ratings are given"
    if values.missing > values.count:
        return f"{values.missing:,} of {values.missing + values.count:,} rows have no rating"
    span = values.highest - values.lowest
    if span <= LEAST_RELATIVE_DIFFERENCE * max(abs(values.lowest), abs(values.highest)):
        return f"every rating is {values.highest:g}"
    spread = values.median > 0 and values.tail >= AMOUNTS_OVER_MEDIAN * values.median and values.tail > AMOUNTS_ABOVE
    lopsided = values.median == values.lowest >= 0 and values.highest > LOPSIDED_ABOVE
    if spread or lopsided:
        return (
            f"they look like amounts, from {values.lowest:g} to {values.highest:g} where half are at most "
            f"{values.median:g}"
        )
    return ""


def _value_counts(ratings: ibis.Table) -> ibis.Table:
    """Each value with its number of rows `n`, how many have it or more (`from_here`), and how many there are."""
    given = ratings.group_by("rating").agg(n=ratings.count())
    given = given.filter(given.rating.notnull())
    downwards = ibis.window(order_by=given.rating.desc(), preceding=None, following=0)
    return given.mutate(from_here=given.n.sum().over(downwards), total=given.n.sum().over(ibis.window()))


def _values(ratings: ibis.Table, counts: ibis.Table) -> _Values:
    above = counts.from_here - counts.n
    values = counts.agg(
        lowest=counts.rating.min(),
        highest=counts.rating.max(),
        median=counts.rating.min(where=2 * above <= counts.total),
        tail=counts.rating.min(where=100 * above <= counts.total),
        zeros=counts.n.sum(where=counts.rating == 0),
        least=counts.rating.min(where=counts.rating > 0),
    )
    sizes = ratings.agg(count=ratings.rating.count(), missing=ratings.count(where=ratings.rating.isnull()))
    [found] = rows(ibis.cross_join(sizes, values))
    return _Values(**{name: 0 if value is None else value for name, value in found.items()})


def _relevant(counts: ibis.Table, data: Data, *, lowest: float) -> tuple[float, float]:
    """The value from which on a rating counts as liked, and the share of ratings that do.

    Where nothing is set, the highest step of the scale that about half of the ratings reach, above its lowest.
    """
    share = counts.from_here / counts.total
    chosen = data.relevant_rating
    if chosen is None:
        above = counts.rating > lowest
        half = counts.rating.max(where=above & (share >= LIKED_SHARE))
        [found] = rows(counts.agg(limit=half.fill_null(counts.rating.min(where=above)).fill_null(lowest)))
        chosen = float(found["limit"] or 0.0)
    [reached] = rows(counts.agg(share=share.max(where=counts.rating >= chosen)))
    return chosen, float(reached["share"] or 0.0)
