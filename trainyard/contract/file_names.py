"""What the name of an uploaded file says: its packing, the table it belongs to, and whether it is any data at all.

Standard library only: the function that looks at an upload knows names and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

PACKINGS = (".gz", ".zip", ".bz2", ".zst", ".xz")
# What holds any number of files, packed or not, and what holds any number of sheets.
ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tzst")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
DATABASES = (".sqlite", ".sqlite3", ".db")
FORMATS = (
    *(".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".data", ".json", ".jsonl", ".ndjson"),
    *(".parquet", ".pq"),
    *WORKBOOKS,
    *DATABASES,
)
# Nobody writes a document in these.
TABULAR = (".csv", ".tsv", ".tab", ".psv", ".jsonl", ".ndjson", ".parquet", ".pq", *WORKBOOKS, *DATABASES)
# What systems, archivers, engines and notebooks leave beside data.
DEBRIS_NAMES = re.compile(
    r"thumbs\.db|desktop\.ini|ehthumbs\.db|icon\r?|__macosx|"
    r"_(success|started|committed|metadata|common_metadata|delta_log|temporary).*|"
    r".*-checkpoint\.[a-z0-9]+|.*\.(md|rst|pdf|docx?|html?|ipynb|py|r|sql|crc|tmp|bak|swp|log|png|jpe?g|gif|svg|ds_store)|"
    r"(md5|sha[0-9]*|check)_?sums?([._-].*)?|.*\.(md5|sha[0-9]*)|~\$.*|.*~"
)
# What people write about data.
DOCUMENT_NAMES = re.compile(
    r"(read_?me|licen[cs]e|copying|notice|changelog|changes|authors|citation|credits)([._ -].*)?"
)
# A number of a part at the end of a name: ratings-1, ratings_part_02, ratings (3), 2026-01, part-00000-3f2c...-c000.
# Begins where a run of signs does, and says them once: a name of a thousand dashes would take a quarter of a minute.
PART = re.compile(r"(?<![-_. ])[-_. ]*((part|chunk|split|file|shard)[-_. ]*)?\(?\d+\)?([-_ ]?of[-_ ]?\d+)?$")
SPARK_PART = re.compile(r"(part|tid|data|chunk|file|shard)?[-_.]?\d+([-_.][0-9a-z]+)*")


def is_debris(name: str) -> bool:
    """Whether a file (its path below the data set's folder) is one that nobody means as data.

    >>> is_debris("__MACOSX/._ratings.csv"), is_debris("README.txt"), is_debris("ratings.csv"), is_debris("credits.csv")
    (True, True, False, False)
    """
    lower = name.lower()
    parts = PurePosixPath(lower).parts
    if any(each.startswith(".") or DEBRIS_NAMES.fullmatch(each) for each in parts):
        return True
    return not unpacked_name(lower).endswith(TABULAR) and any(DOCUMENT_NAMES.fullmatch(each) for each in parts)


def packing(name: str) -> str:
    """The ending that says what a file is packed with, empty where there is none."""
    return next((each for each in PACKINGS if name.lower().endswith(each)), "")


def unpacked_name(name: str) -> str:
    """The name without the ending of its packing."""
    return name[: len(name) - len(packing(name))]


def may_hold_tables(name: str) -> bool:
    """Whether a file may hold several tables: a workbook, or an archive whose name says nothing of a file in it.

    >>> may_hold_tables("films.tar.gz"), may_hold_tables("films.zip"), may_hold_tables("ratings.csv.zip")
    (True, True, False)
    """
    lower = name.lower()
    if lower.endswith(WORKBOOKS):
        return True
    inner = unpacked_name(lower)
    archive = next((each for each in ARCHIVES if lower.endswith(each) or inner.endswith(each)), "")
    return bool(archive) and not inner.removesuffix(archive).endswith(FORMATS)


def provides(files: Sequence[str], name: str) -> bool:
    """Whether a file belongs to a table whose `files` are called so (see `contract.sources.Source`).

    >>> provides(("ratings", "u.data"), "Ratings-1.csv.gz"), provides(("ratings",), "ratings/part-00000.csv")
    (True, True)
    """
    wanted = {each.lower() for each in files}
    return any(each in wanted for each in _spellings(_without_archive(unpacked_name(name.lower()))))


def _spellings(name: str) -> Iterator[str]:
    """What a file may be meant to be called: its name, without format, without number; a part like its folder."""
    path = PurePosixPath(name)
    yield path.name
    stem = _without_format(path.name)
    yield stem
    while (shorter := PART.sub("", stem)) and shorter != stem:
        yield shorter
        stem = shorter
    if SPARK_PART.fullmatch(_without_format(path.name)) and path.parent.name:
        yield from _spellings(str(path.parent))


def _without_archive(name: str) -> str:
    return name.removesuffix(next((each for each in ARCHIVES if name.endswith(each)), ""))


def _without_format(name: str) -> str:
    ending = next((each for each in FORMATS if name.endswith(each)), "")
    return name[: len(name) - len(ending)]
