"""What is wrong with reviews, one sentence each, from their figures; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.neural_topic_model.config import COLUMNS, Config
from trainyard.contract.holdout import ROLES

RATING_SCALES = {"pole": (1, 2), "stars": (1, 5), "score": (1, 5)}


def outside_the_scale(found: Mapping[str, float], config: Config) -> list[str]:
    """Of ratings that the layout does not know."""
    if not found["outside"]:
        return []
    low, high = RATING_SCALES[config.data.layout]
    return [
        f"reviews: expected {COLUMNS[config.data.layout][0]} from {low} to {high}, found {found['outside']:,.0f} other "
        f"values such as {found['example']:.0f}; check that data.layout in run.json is the layout of this file."
    ]


def too_few_reviews(found: Mapping[str, float], config: Config) -> list[str]:
    """Of reviews that are long enough."""
    data = config.data
    if found["long_enough"] >= data.min_documents:
        return []
    return [
        f"reviews: expected at least {data.min_documents:,} {_review_kind(config)} of {data.min_words} words or more, "
        f"found {found['long_enough']:,.0f} among {found['reviews']:,.0f} reviews; upload more, or change "
        "data.min_words or data.sentiment in run.json."
    ]


def too_few_documents(found: Mapping[str, float], config: Config) -> list[str]:
    """Of documents, copies left out, for topics and for one of the roles."""
    counts, topics = [found[f"{role}_documents"] for role in ROLES], _most_topics(config)
    if counts[0] >= topics and min(counts) >= 1:
        return []
    shown = ", ".join(f"{each:,.0f}" for each in counts)
    return [
        f"reviews: expected at least {topics} different {_review_kind(config)} to find as many topics in, and some to "
        f"choose settings by and to evaluate on, found {shown} among {found['long_enough']:,.0f} that are long enough; "
        "upload reviews that are no copies of each other, or lower hyperparameters.topics in run.json."
    ]


def too_few_words(found: Mapping[str, float], config: Config) -> list[str]:
    """Of words that documents share."""
    needed = max(_most_topics(config), config.data.top_words)
    if found["common_words"] >= needed:
        return []
    low, high = config.data.document_frequencies(found["train_documents"])
    return [
        f"reviews: expected at least {needed} words that are in {low:,.0f} to {high:,.0f} of the "
        f"{found['train_documents']:,.0f} training reviews, stop words and words of fewer than "
        f"{config.data.min_letters} letters left out, found {found['common_words']:,.0f}; upload more reviews of one "
        "subject, or change data.min_df and data.max_df in run.json."
    ]


def _most_topics(config: Config) -> int:
    """The most topics that a training may be asked for; a search may ask for more than the configuration."""
    tuned = config.tuning.ranges.get("topics") if config.tune else None
    return max(config.hyperparameters.topics, int(tuned.maximum) if tuned else 0)


def _review_kind(config: Config) -> str:
    return "reviews" if config.data.sentiment == "all" else f"{config.data.sentiment} reviews"
