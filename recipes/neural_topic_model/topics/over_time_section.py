"""The section of the report on topics over time, its picture and its table; runs in the processing image."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.neural_topic_model import plots
from recipes.neural_topic_model.topics.over_time import MIN_REVIEWS, NORMAL_95, TopicsOverTime, topics_over_time
from trainyard.contract.report import Figure, Section, Table, share

TABLE_FILE, PICTURE_FILE = "topics_over_time.parquet", "topics_over_time.png"
TITLE_LETTERS = 44


def over_time_section(
    dates: np.ndarray, shares: np.ndarray, *, names: Sequence[str], outputs: Path
) -> tuple[Section, ...]:
    """None where too few reviews have a date; else also writes the table and the picture to `outputs`.

    `dates` are datetime64[D] [reviews], `shares` those of topics [reviews, topics], `names` those of topics.
    """
    found = topics_over_time(dates, shares)
    if found is None:
        return ()
    write_table(found, names, path=outputs / TABLE_FILE)
    titles = [textwrap.shorten(f"{at}: {name}", TITLE_LETTERS, placeholder="…") for at, name in enumerate(names)]
    picture = plots.over_time(found, titles)
    (outputs / PICTURE_FILE).write_bytes(picture)
    return (
        Section(
            title="Topics over time",
            text=_text(found, reviews=len(dates)),
            figures=(
                Figure(
                    png=picture,
                    alt="Share of each topic by the date of the reviews, with intervals",
                    caption=(
                        "Those that changed most. Bands are 95 % intervals of the mean, the dashed line is the mean of "
                        "all; each panel has a scale of its own, from zero."
                    ),
                ),
            ),
            tables=(_changes(found, names),),
        ),
    )


def write_table(found: TopicsOverTime, names: Sequence[str], *, path: Path) -> None:
    """One row per period and topic: period (its first day), reviews, topic, name, share, low, high."""
    periods, topics = found.shares.shape
    table = {
        "period": pa.array(np.repeat(found.starts, topics), pa.date32()),
        "reviews": np.repeat(found.reviews, topics),
        "topic": np.tile(np.arange(topics), periods),
        "name": pa.array(list(names) * periods, pa.string()),
        "share": found.shares.ravel(),
        "low": found.low.ravel(),
        "high": found.high.ravel(),
    }
    pq.write_table(pa.table(table), path)


def _text(found: TopicsOverTime, *, reviews: int) -> str:
    counted = int(found.reviews.sum())
    less = "" if counted == reviews else f" Others have no date, or lie in a {found.unit} of fewer than {MIN_REVIEWS}."
    return (
        f"Mean shares of topics in {counted:,} of {reviews:,} reviews, by {found.unit}.{less} A share is of all that "
        "reviews say, so that one topic falls where another rises. One interval of a change in twenty is without zero "
        "by chance."
    )


def _changes(found: TopicsOverTime, names: Sequence[str]) -> Table:
    before = found.starts < found.middle
    early, late = (np.average(found.shares[half], weights=found.reviews[half], axis=0) for half in (before, ~before))
    rows = [
        (topic, names[topic], share(early[topic]), share(late[topic]), _change(found, topic))
        for topic in found.by_change.tolist()
    ]
    columns = ("topic", "name", f"before {found.middle}", "from then on", "change, percentage points")
    return Table(columns=columns, rows=rows)


def _change(found: TopicsOverTime, topic: int) -> str:
    change, off = 100 * found.change[topic], 100 * NORMAL_95 * found.error[topic]
    return f"{change:+.1f} ({change - off:+.1f} to {change + off:+.1f})"
