"""Tells which texts are nearly alike, from each text alone; Ibis expressions that run in Glue, on DuckDB and on Spark.

MinHash and banding: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", section 3.4.
"""

from __future__ import annotations

from typing import Any

import ibis

# A SHA-256 in hexadecimal gives 12 independent hashes of 20 bits. Two of them are the group: texts whose pairs of words
# agree to 70 % (Jaccard), as with one word of ten replaced, have the same one with probability 0.49. Of those that do
# not, 0.97 share one of five bands of two.
DIGITS, GROUP, BAND = 5, 2, 2
HASHES = 12
# Texts that share a band are nearly alike when they have this share of the words of the longer one in common, and so
# many: "cancel my order" and "cancel my card" are two questions.
LEAST_SHARE, LEAST_WORDS = 0.75, 5
# Of both engines' regular expressions: all that is no letter, mark or digit, in any script. Spaces are for a second
# step, for a pattern that meets every one of them takes four times as long.
NO_WORD, SPACES = r"[^\p{L}\p{M}\p{N} ]+", " {2,}"


def plain(text: ibis.Value) -> ibis.Value:
    """A text without case, punctuation and entities of HTML: equal for copies. What has nothing else stays as it is."""
    lower = text.lower()
    words = lower.re_replace("&#?[a-z0-9]{1,10};", " ").re_replace(NO_WORD, " ").re_replace(SPACES, " ").strip()
    return ibis.ifelse(words == "", lower, words)


def signatures(texts: ibis.Table) -> ibis.Table:
    """Of each different `plain` text: `plain`, `words`, `group` and `bands`, which are functions of that text alone.

    Texts that are nearly alike often have the same group, so that what is decided by it holds for all of them, in later
    uploads too; for the others see `outranked`. Numbers do not tell texts apart: "up 3 %" and "up 4 %".
    """
    words = texts.plain.re_replace("[0-9]+", " ").re_replace(" +", " ").strip()
    words = ibis.ifelse(words == "", texts.plain, words)
    distinct = texts.select(plain=texts.plain, words=words).distinct()
    bounded = ibis.literal("^ ").concat(distinct.words, " $").split(" ")
    # Unnesting also keeps Spark from hashing a pair anew for each of its uses.
    pairs = distinct.select("plain", "words", pair=_pairs(bounded).unnest())
    hashed = pairs.filter(pairs.pair.notnull()).select(
        "plain", "words", digest=lambda row: row.pair.hexdigest("sha256")
    )
    minima = {f"h{index}": hashed.digest.substr(DIGITS * index, DIGITS).min() for index in range(HASHES)}
    found = hashed.group_by("plain", "words").agg(**minima)
    bands = [_joined(found, start) for start in range(GROUP, HASHES, BAND)]
    words = found.words.split(" ").unique()
    return found.select("plain", words=words, group=found.h0.concat(found.h1), bands=ibis.array(bands))


def outranked(texts: ibis.Table) -> ibis.Table:
    """Those of the texts (plain, words, bands, rank) that are nearly alike one of a higher rank: `plain`."""
    low = texts.filter(texts["rank"] < 2).select("plain", "words", "rank", band=texts.bands.unnest())
    high = texts.filter(texts["rank"] > 0).select(above="rank", others="words", band=texts.bands.unnest())
    met = low.join(high, "band").filter(lambda row: row.above > row["rank"])
    both = met.words.intersect(met.others).length()
    longer = ibis.greatest(met.words.length(), met.others.length())
    alike = (both == longer) | ((both >= LEAST_SHARE * longer) & (both >= LEAST_WORDS))
    return met.filter(alike).select("plain").distinct()


def _pairs(words: Any) -> Any:
    """All pairs of neighbouring words of an array, and a null where it ends."""
    return words.zip(words[1:]).map(lambda pair: pair["f1"].concat(" ", pair["f2"]))


def _joined(found: ibis.Table, start: int) -> ibis.Value:
    return ibis.literal(f"{start}:").concat(*(found[f"h{index}"] for index in range(start, start + BAND)))
