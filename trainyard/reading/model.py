"""What passes between the parts of reading: files, the tables found in them, and the tables of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainyard.contract.quality import Quality


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """An uploaded file on this machine's disk.

    `name` is its path below the data set's folder, as people know it; `source` the table that it provides by its name,
    empty where its content has to tell (an archive, a name that nobody knows); `uploaded_at` when it came (ISO 8601),
    empty where that is of no interest.
    """

    name: str
    path: Path
    source: str = ""
    uploaded_at: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A plain table that was found in an uploaded file, as it can be read, before anything is known of its meaning.

    * `name`: as people know it: `ratings.csv`, `data.zip: ml/ratings.csv`, `book.xlsx: Sheet1`.
    * `source`: the table it provides by its name (an archive's member has its own), empty where columns have to tell.
    * `relation`: what stands after FROM in a query of DuckDB's: a table in the order of the file whose columns are
      called c0, c1, ... and are VARCHAR; of typed formats (Parquet, JSON) they have types of their own, also lists.
    * `columns`: the names in the file, in order, as they are written there; empty where it has no header.
    * `read_as`: how it was understood, in words: ("semicolon", "cp1252", "decimal comma"); nothing for plain CSV.
    * `decimal`: what separates the fraction of numbers; where thousands are `grouped`, it is sure that the other mark
      stands between them.
    * `typed`: the columns have types of their own.
    * `lines`: how many lines the text has, 0 where it is no text; `first_row`: the line of the first row of data.
    * `only_digits`: of text: below the header there are whole numbers of at most 18 digits without leading zeros only.
    * `empty_rows`: some rows may be nothing but delimiters, and are none of the table.
    * `as_integers`: where `only_digits`, the same relation with columns of type BIGINT, which is read in half the time.
    * `doubts`: sentences that ask for a setting, to be raised as BadData when this table is read: it can be understood
      in two ways. Files that nobody reads are not asked about.
    * `uploaded_at`: when its file came (ISO 8601), empty where that is of no interest.
    * `ragged`: it has no header and a cell or several a line, so that each line may be a basket.
    * `text`, `delimiter`, `quote`: the UTF-8 text that `relation` reads, and how; only to say where a row stands.
    * `rejects`: name of the DuckDB table that lists the lines which the parser could not take apart once `relation` has
      been read (as read_csv's `rejects_table`), empty where there is none.
    """

    name: str
    relation: str
    columns: tuple[str, ...]
    width: int
    source: str = ""
    read_as: tuple[str, ...] = ()
    decimal: str = "."
    grouped: bool = False
    typed: bool = False
    lines: int = 0
    first_row: int = 1
    only_digits: bool = False
    empty_rows: bool = False
    as_integers: str = ""
    doubts: tuple[str, ...] = ()
    rejects: str = ""
    uploaded_at: str = ""
    ragged: bool = False
    text: Path | None = None
    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The tables of a recipe as Parquet parts on disk, by name, and what there is to say about how they came about.

    `rejected` is a folder with what was set aside: `<table>.csv` with the columns file, line, reason, text.
    """

    quality: Quality
    tables: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    rejected: Path | None = None
