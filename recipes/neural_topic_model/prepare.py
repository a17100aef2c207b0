"""Judges the review file and turns it into documents without near-duplicates; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.neural_topic_model.config import COLUMNS, NEGATIVE_RATINGS, POSITIVE_RATINGS, Config
from recipes.neural_topic_model.stop_words import STOP_WORDS
from trainyard.contract.holdout import HOLDOUT, TRAIN, VALIDATION, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import rows

SALT = "neural_topic_model"
SHINGLE_WORDS = 3
# A SHA-256 in hexadecimal gives 12 independent hashes of 20 bits, in 3 bands of 4: two documents whose shingles agree
# to 90 % (Jaccard) share a band with probability 0.96, at 50 % 0.18, and unrelated reviews (below 5 %) hardly ever.
BANDS, ROWS, DIGITS = 3, 4, 5
# The check looks at so many documents, those with the smallest hashes. Which of them are copies depends on none of the
# others, so they stay documents whatever else there is.
CHECKED_DOCUMENTS = 20_000
ROLES = (TRAIN, VALIDATION, HOLDOUT)
RATING_SCALES = {"pole": (1, 2), "stars": (1, 5), "score": (1, 5)}


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses ratings outside the layout's scale and too few reviews that can become documents.

    Also documents of which, without copies, too few are left for one of the roles, and texts that have hardly a word in
    common. Words are counted as they are written: lemmas are made in processing.
    """
    reviews, data = tables["reviews"], config.data
    rating = COLUMNS[data.layout][0]
    low, high = RATING_SCALES[data.layout]
    outside = ~reviews[rating].between(low, high)
    found = reviews.agg(
        reviews=reviews.count(),
        outside=outside.cast("int64").sum(),
        example=reviews[rating].max(where=outside),
    )
    row = rows(found)[0]
    eligible = _eligible(reviews, config)
    documents = int(rows(eligible.agg(documents=eligible.count()))[0]["documents"])
    problems = []
    if row["outside"]:
        problems.append(
            f"reviews: expected {rating} from {low} to {high}, found {row['outside']:,} other values such as "
            f"{row['example']}; check that data.layout in run.json is the layout of this file."
        )
    if documents < data.min_documents:
        problems.append(
            f"reviews: expected at least {data.min_documents:,} {_review_kind(config)} of {data.min_words} words or "
            f"more, found {documents:,} among {row['reviews']:,} reviews; upload more, or change data.min_words or "
            "data.sentiment in run.json."
        )
    figures = {"reviews": float(row["reviews"]), "long_enough": float(documents)}
    # What follows from another problem is no second one.
    if problems:
        return Quality(problems=tuple(problems), figures=figures)
    split = _with_roles(_without_near_duplicates(_some(_distinct(eligible))), config)
    counts = rows(split.agg(**{role: split.count(where=split.role == role) for role in ROLES}))[0]
    figures |= {f"{role}_documents": float(counts[role]) for role in ROLES}
    problems += _too_few_documents(figures, config)
    if not problems:
        figures["common_words"] = float(_common_words(split, figures["train_documents"], config))
        problems += _too_few_words(figures, config)
    return Quality(problems=tuple(problems), figures=figures)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `documents`: document (a hash of its letters and digits, hence stable), role (train, validation or holdout),
      sentiment (negative, neutral or positive), text (title and review), sorted by document; no near-duplicates.
    * `vectors`: the word vectors as they came, when they came as a file.
    """
    data = config.data
    documents = _with_roles(_without_near_duplicates(_distinct(_eligible(tables["reviews"], config))), config)
    prepared = {"documents": documents.select("document", "role", "sentiment", "text").order_by("document")}
    if data.word_vectors == "file":
        prepared["vectors"] = tables["vectors"].order_by("word")
    return prepared


def _with_roles(documents: ibis.Table, config: Config) -> ibis.Table:
    data = config.data
    role = role_of(documents.document, holdout=data.holdout_fraction, validation=data.validation_fraction, salt=SALT)
    return documents.mutate(role=role)


def _some(documents: ibis.Table) -> ibis.Table:
    return documents.order_by("document").limit(CHECKED_DOCUMENTS)


def _common_words(split: ibis.Table, train: float, config: Config) -> int:
    """Words, as they are written, in neither too many nor too few of the `train` training documents of `split`."""
    data = config.data
    low, high = data.document_frequencies(train)
    entries = split.filter(split.role == TRAIN).select("document", word=split.words.unnest()).distinct()
    words = entries.filter(entries.word.re_search(f"^[a-z]{{{data.min_letters},}}$") & entries.word.notin(STOP_WORDS))
    counted = words.group_by("word").agg(documents=words.count())
    return int(rows(counted.agg(words=counted.count(where=counted.documents.between(low, high))))[0]["words"])


def _most_topics(config: Config) -> int:
    """The most topics that a training may be asked for; a search may ask for more than the configuration."""
    tuned = config.tuning.ranges.get("topics") if config.tune else None
    return max(config.hyperparameters.topics, int(tuned.maximum) if tuned else 0)


def _too_few_documents(found: Mapping[str, float], config: Config) -> list[str]:
    counts, topics = [found[f"{role}_documents"] for role in ROLES], _most_topics(config)
    if counts[0] >= topics and min(counts) >= 1:
        return []
    shown = ", ".join(f"{each:,.0f}" for each in counts)
    return [
        f"reviews: expected at least {topics} different {_review_kind(config)} to find as many topics in, and some to "
        f"choose settings by and to evaluate on, found {shown} among {found['long_enough']:,.0f} that are long enough; "
        "upload reviews that are no copies of each other, or lower hyperparameters.topics in run.json."
    ]


def _too_few_words(found: Mapping[str, float], config: Config) -> list[str]:
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


def _review_kind(config: Config) -> str:
    return "reviews" if config.data.sentiment == "all" else f"{config.data.sentiment} reviews"


def _eligible(reviews: ibis.Table, config: Config) -> ibis.Table:
    """Title and review as one text, its sentiment and plain words, for the reviews that are used."""
    data = config.data
    rating, title, body = (reviews[name] for name in COLUMNS[data.layout])
    sentiment = ibis.cases(
        (rating.isin(NEGATIVE_RATINGS[data.layout]), "negative"),
        (rating.isin(POSITIVE_RATINGS[data.layout]), "positive"),
        else_="neutral",
    )
    text = ibis.coalesce(title, "").concat(". ", ibis.coalesce(body, ""))
    # A tag is no word, and two copies of a review often differ in it, in case or in punctuation only.
    plain = text.re_replace("<[^>]{1,200}>", " ").lower().re_replace("[^a-z0-9]+", " ").strip()
    documents = reviews.select(text=text, sentiment=sentiment, plain=plain)
    documents = documents.mutate(words=documents.plain.split(" "))
    kept = documents.words.length() >= max(data.min_words, SHINGLE_WORDS)
    if data.sentiment != "all":
        kept = kept & (documents.sentiment == data.sentiment)
    return documents.filter(kept)


def _distinct(documents: ibis.Table) -> ibis.Table:
    """One row per plain text; which of the copies does not depend on the order of the rows."""
    keyed = documents.mutate(document=documents.plain.hexdigest("md5"))
    return keyed.group_by("document").agg(
        words=keyed.words.arbitrary(), text=keyed.text.min(), sentiment=keyed.sentiment.min()
    )


def _without_near_duplicates(documents: ibis.Table) -> ibis.Table:
    """Only the first (by hash) of all documents that share a band of minimum hashes of their shingles.

    MinHash and banding: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman and Ullman,
    "Mining of Massive Datasets", section 3.4.
    """
    # Unnesting also keeps Spark from hashing a shingle anew for each of its uses.
    shingles = documents.select("document", shingle=_shingles(documents.words).unnest())
    hashed = shingles.filter(shingles.shingle.notnull()).select(
        "document", digest=lambda row: row.shingle.hexdigest("sha256")
    )
    minima = {f"h{index}": hashed.digest.substr(DIGITS * index, DIGITS).min() for index in range(BANDS * ROWS)}
    signatures = hashed.group_by("document").agg(**minima)
    bands = [
        ibis.literal(f"{band}:").concat(*(signatures[f"h{band * ROWS + row}"] for row in range(ROWS)))
        for band in range(BANDS)
    ]
    banded = signatures.select("document", band=ibis.array(bands).unnest())
    first = banded.group_by("band").agg(first=banded.document.min())
    repeated = banded.join(first, "band").filter(lambda row: row.first < row.document).select("document").distinct()
    return documents.anti_join(repeated, "document")


def _shingles(words: Any) -> Any:
    """All runs of three words of an array of words, and two nulls where the array ends."""
    runs = words.zip(words[1:], words[2:])
    return runs.map(lambda run: run["f1"].concat(" ", run["f2"], " ", run["f3"]))
