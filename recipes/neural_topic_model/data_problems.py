"""What is wrong with reviews, one sentence each, from their figures; runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.words.language import WITHOUT_SPACES, Language
from trainyard.contract.holdout import ROLES

# Below this share of one language its stop words and lemmas fit hardly a half of the documents.
MIXED_SHARE = 0.9


def language(spoken: Language, config: Config) -> tuple[str, ...]:
    """Which language the texts are read in."""
    if not spoken.share:
        return ("reviews: no language was recognised; read as if they were English (data.language in run.json).",)
    how = f"that of {spoken.share:.0%} of the texts" if config.data.language == "auto" else "as data.language says"
    return (f"reviews: read in the language {spoken.code}, {how}.",)


def mixed_languages(spoken: Language) -> tuple[str, ...]:
    """Of texts in several languages."""
    if not spoken.share or spoken.share >= MIXED_SHARE:
        return ()
    return (
        f"reviews: expected texts in one language, found {spoken.share:.0%} in {spoken.code} and the others in other "
        "languages; their articles and pronouns may become topics: upload one language at a time.",
    )


def without_spaces(spoken: Language) -> list[str]:
    """Of a language whose words cannot be told apart."""
    name = WITHOUT_SPACES.get(spoken.code)
    if name is None:
        return []
    return [
        f"reviews: expected a language that puts spaces between its words, found {name} ({spoken.code}), whose words "
        "cannot be told apart here; put spaces between the words before the upload and set data.language in run.json "
        "to a code of two letters such as xx."
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
    if not found["words"]:
        return [
            "reviews: no word is left that tells reviews apart: expected words that are no stop words, of at least "
            f"{config.data.min_letters} letters, found none in {found['train_documents']:,.0f} training reviews; check "
            "that the column of the texts is the right one (files.reviews.columns.text in run.json)."
        ]
    if not found["common_words"]:
        low, _ = config.data.document_frequencies(found["train_documents"])
        return [
            f"reviews: no word is in enough reviews: expected words that are in {low:,.0f} of the "
            f"{found['train_documents']:,.0f} training reviews at least, found {found['words']:,.0f} words, none of "
            "them in so many; check that the column of the texts is the right one (files.reviews.columns.text), or "
            "change data.min_df and data.max_df in run.json."
        ]
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
