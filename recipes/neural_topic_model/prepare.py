"""Judges the review file and turns it into documents without near-duplicates; Ibis expressions that run in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.neural_topic_model import data_problems
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.ratings import sentiment_of
from recipes.neural_topic_model.words import language, markup
from recipes.neural_topic_model.words.language import Language
from trainyard.contract.holdout import ROLES, TRAIN, role_of
from trainyard.contract.quality import Quality
from trainyard.contract.records import kept, rows

SALT = "neural_topic_model"
SHINGLE_WORDS = 3
# A SHA-256 in hexadecimal gives 12 independent hashes of 20 bits, in 3 bands of 4: two documents whose shingles agree
# to 90 % (Jaccard) share a band with probability 0.96, at 50 % 0.18, and unrelated reviews (below 5 %) hardly ever.
BANDS, ROWS, DIGITS = 3, 4, 5
# The check looks at so many documents, those with the smallest hashes. Which of them are copies depends on none of the
# others, so they stay documents whatever else there is. Where a few show that there is enough, that is all.
CHECKED_DOCUMENTS = (2_000, 20_000)
LANGUAGE_DOCUMENTS = 300
# Characters of a document's hash: 48 bits, of texts that DuckDB keeps within a row.
HASH_START = 12


def check(tables: Mapping[str, ibis.Table], config: Config) -> Quality:
    """Refuses too few reviews that can become documents, and texts whose words cannot be told apart.

    Also documents of which, without copies, too few are left for one of the roles, and texts that have hardly a word in
    common. Words are counted as they are written: lemmas are made in processing.
    """
    figures = _figures(tables["reviews"], config)
    problems = data_problems.too_few_reviews(figures, config)
    # What follows from another problem is no second one.
    if problems:
        return Quality(problems=tuple(problems), figures=figures)
    documents = _some(_distinct(_eligible(tables["reviews"], config)), at_most=CHECKED_DOCUMENTS[-1])
    return _judged(kept(documents), config, figures=figures)


def _judged(documents: ibis.Table, config: Config, *, figures: Mapping[str, float]) -> Quality:
    spoken = _language(documents, config)
    figures = {**figures, "language_share": spoken.share}
    said = Quality(notes=data_problems.language(spoken, config), warnings=data_problems.mixed_languages(spoken))
    if problems := data_problems.without_spaces(spoken):
        return said + Quality(problems=tuple(problems), figures=figures)
    for at_most in CHECKED_DOCUMENTS:
        found = {**figures, **_figures_of_documents(_some(documents, at_most=at_most), config, spoken=spoken)}
        problems = data_problems.too_few_documents(found, config) or data_problems.too_few_words(found, config)
        if not problems or figures["long_enough"] <= at_most:
            break
    return said + Quality(problems=tuple(problems), figures=found)


def prepare(tables: Mapping[str, ibis.Table], config: Config) -> dict[str, ibis.Table]:
    """The tables the model is made from.

    * `documents`: document (a hash of its letters and digits, hence stable), role (train, validation or holdout),
      sentiment (negative, neutral, positive or unknown), date (null where there is none), text (title and review),
      sorted by document; no near-copies.
    * `language`: one row: code (two letters), share (of the documents in it).
    * `vectors`: the word vectors as they came, when they came as a file.
    """
    distinct = _distinct(_eligible(tables["reviews"], config))
    documents = _with_roles(_without_near_duplicates(distinct), config)
    spoken = _language(distinct, config)
    prepared = {
        "documents": documents.select("document", "role", "sentiment", "date", "text").order_by("document"),
        # Made of a table that is there: an engine has no other place to put a row.
        "language": tables["reviews"]
        .agg(reviews=tables["reviews"].count())
        .select(code=ibis.literal(spoken.code), share=ibis.literal(float(spoken.share))),
    }
    if config.data.word_vectors == "file":
        prepared["vectors"] = tables["vectors"].order_by("word")
    return prepared


def _language(documents: ibis.Table, config: Config) -> Language:
    """As set, or as most of the documents with the smallest hashes are in."""
    if config.data.language != "auto":
        return Language(code=config.data.language, share=1.0)
    some = documents.order_by("document").limit(LANGUAGE_DOCUMENTS).select("document", "text")
    return language.detected(markup.plain(str(row["text"])) for row in rows(some))


def _with_roles(documents: ibis.Table, config: Config) -> ibis.Table:
    data = config.data
    role = role_of(documents.document, holdout=data.holdout_fraction, validation=data.validation_fraction, salt=SALT)
    return documents.mutate(role=role)


def _some(documents: ibis.Table, *, at_most: int) -> ibis.Table:
    return documents.order_by("document").limit(at_most)


def _figures_of_documents(documents: ibis.Table, config: Config, *, spoken: Language) -> dict[str, float]:
    """How many documents, copies left out, there are for each role, and how many words the training documents have."""
    split = kept(_with_roles(_without_near_duplicates(documents), config))
    counts = rows(split.agg(**{role: split.count(where=split.role == role) for role in ROLES}))[0]
    figures = {f"{role}_documents": float(counts[role]) for role in ROLES}
    return figures | _word_figures(split, config, train=figures["train_documents"], stop_words=spoken.stop_words)


def _figures(reviews: ibis.Table, config: Config) -> dict[str, float]:
    """How many reviews there are, how many have no rating, how many no date, and how many are long enough."""
    eligible = _eligible(reviews, config)
    without = {f"without_{name}": reviews.count(where=reviews[name].isnull()) for name in ("rating", "date")}
    counted = ibis.cross_join(
        reviews.agg(reviews=reviews.count(), **without),
        eligible.agg(long_enough=eligible.count()),
    )
    return {name: float(value) for name, value in rows(counted)[0].items()}


def _word_figures(split: ibis.Table, config: Config, *, train: float, stop_words: frozenset[str]) -> dict[str, float]:
    """Words, as they are written, of the `train` training documents of `split` that are no stop words.

    How many there are, and how many of them are in neither too many nor too few of the documents.
    """
    data = config.data
    low, high = data.document_frequencies(train)
    entries = split.filter(split.role == TRAIN).select("document", word=_words(split).unnest()).distinct()
    words = entries.filter(entries.word.re_search(rf"^[\p{{L}}\p{{M}}]{{{data.min_letters},}}$"))
    if stop_words:
        words = words.filter(words.word.notin(sorted(stop_words)))
    counted = words.group_by("word").agg(documents=words.count())
    common = counted.count(where=counted.documents.between(low, high))
    return {
        name: float(value) for name, value in rows(counted.agg(words=counted.count(), common_words=common))[0].items()
    }


def _eligible(reviews: ibis.Table, config: Config) -> ibis.Table:
    """Title and review as one text, its date, sentiment and plain words, for the reviews that are used."""
    data = config.data
    text = ibis.coalesce(reviews.title, "").concat(". ", ibis.coalesce(reviews.text, ""))
    # A tag is no word, and two copies of a review often differ in it, in case or in punctuation only.
    plain = text
    for pattern in (*markup.PATTERNS, markup.REFERENCES):
        plain = plain.re_replace(pattern, " ")
    # In two steps, for a pattern that meets every space takes four times as long.
    plain = plain.lower().re_replace(r"[^\p{L}\p{M}\p{N} ]+", " ").re_replace(" {2,}", " ").strip()
    documents = reviews.select(text=text, sentiment=sentiment_of(reviews), date=reviews.date.date(), plain=plain)
    kept = _words(documents).length() >= max(data.min_words, SHINGLE_WORDS)
    if data.sentiment != "all":
        kept = kept & (documents.sentiment == data.sentiment)
    return documents.filter(kept)


def _distinct(documents: ibis.Table) -> ibis.Table:
    """One row per plain text; which of the copies does not depend on the order of the rows.

    Only the texts that come more than once are grouped with all they have: an engine holds groups of long texts in
    memory, and there are as many as documents. Without the others these are few.
    """
    keyed = kept(documents.mutate(document=documents.plain.hexdigest("md5")))
    counted = keyed.group_by("document").agg(copies=keyed.count())
    repeated = counted.filter(counted.copies > 1).select("document")
    copies = keyed.semi_join(repeated, "document")
    first = copies.group_by("document").agg(
        plain=copies.plain.arbitrary(), text=copies.text.min(), sentiment=copies.sentiment.min(), date=copies.date.min()
    )
    return keyed.anti_join(repeated, "document").select(first.columns).union(first)


def _without_near_duplicates(documents: ibis.Table) -> ibis.Table:
    """Only the first (by hash) of all documents that share a band of minimum hashes of their shingles.

    MinHash and banding: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman and Ullman,
    "Mining of Massive Datasets", section 3.4.
    """
    # Unnesting also keeps the engines from making words and shingles anew for each of their uses.
    split = documents.select("document", words=ibis.array([_words(documents)]).unnest())
    shingles = split.select("document", shingle=_shingles(split.words).unnest())
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
    # The beginning of a hash says which is first, and short texts are all that groups need not hold by themselves.
    start = banded.document.substr(0, HASH_START)
    first = banded.group_by("band").agg(first=start.min())
    later = banded.join(first, "band").filter(lambda row: row.first < row.document.substr(0, HASH_START))
    repeated = later.select("document").distinct()
    return documents.anti_join(repeated, "document")


def _words(documents: ibis.Table) -> Any:
    # Made where they are asked for: to carry an array of words through groups takes longer than to split their text.
    return documents.plain.split(" ")


def _shingles(words: Any) -> Any:
    """All runs of three words of an array of words, and two nulls where the array ends."""
    runs = words.zip(words[1:], words[2:])
    return runs.map(lambda run: run["f1"].concat(" ", run["f2"], " ", run["f3"]))
