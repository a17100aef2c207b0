"""What tables a recipe reads, under which names files and columns may come, and what people may say about a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainyard.contract.file_names import provides

ColumnType = Literal["id", "int64", "float64", "string", "timestamp", "boolean"]
Repeats = Literal["latest", "first", "sum", "refuse"]


def plain_name(name: str) -> str:
    """A name as names of columns are compared: without case, spaces and punctuation.

    >>> plain_name("Movie ID"), plain_name("movie_id"), plain_name("movieId")
    ('movieid', 'movieid', 'movieid')
    """
    return re.sub(r"[\W_]+", "", name.casefold())


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table.

    `id` is a key of any kind: in Parquet it is int64 where every key of the table is written as such a number, else
    text; keys are compared as text (`contract.values.identifier`). A `nullable` column may have cells without a value.
    A file may lack a column that is not `required`: its cells are null then, or, where `place` is set, the place of the
    row in its file, from 1; where `of_upload` is set, a cell without a value has the time of the file's upload; where
    `omit_absent` is set and no file has it, the table has no such column either, for nulls take time to write in a long
    table. `synonyms` are other names of it, compared as `plain_name` has them. Of texts that people type, `verbatim`
    keeps words such as null and NA, which elsewhere say that there is no value. A cell of a `lenient` column that
    cannot be read has no value, and its row stays: for what a recipe can do without. Where a required column is not
    there, one of its `stand_ins` is it in a file that has the other column of the pair too (any file where that is
    empty): of what has no key the title, of Shopify's orders the name.
    """

    name: str
    type: ColumnType
    nullable: bool = False
    required: bool = True
    place: bool = False
    of_upload: bool = False
    omit_absent: bool = False
    verbatim: bool = False
    lenient: bool = False
    synonyms: tuple[str, ...] = ()
    stand_ins: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A file without a header: the table's column at each place, empty where it is not read.

    A place `genres=Drama` has a 1 where Drama is one of the values of the column genres, which are joined by bars. It
    is meant where the file is called like one of `files` (as in `Source`), or, unless it is `only_named`, has so many
    columns of such types.
    """

    columns: tuple[str, ...]
    files: tuple[str, ...] = ()
    only_named: bool = False


@dataclass(frozen=True, kw_only=True)
class Source:
    """One table that a recipe reads.

    `files` are names of files that provide it, without case, folder, number of a part and ending of the format or the
    packing: `ratings` stands for ratings.csv, Ratings-1.csv.gz, ratings.parquet and ratings/part-00000.csv. Names with
    a dot are whole names (`u.data`). Files of other names provide it when their columns do. `columns` are read; with
    `other_columns` all others too, in types that their values have. `unique` names the columns that identify a line,
    and `repeats` what is done about lines that agree in them: the first stays, the one with the greatest `latest_by`,
    one with the numbers added up, or the file is refused. A table of format `sqlite` is a database that the recipe's
    own `ingest.extract` reads.
    """

    name: str
    files: tuple[str, ...]
    columns: tuple[Column, ...]
    layouts: tuple[Layout, ...] = ()
    required: bool = True
    unique: tuple[str, ...] = ()
    repeats: Repeats = "refuse"
    latest_by: str = ""
    other_columns: bool = False
    format: Literal["table", "sqlite"] = "table"

    def accepts(self, filename: str) -> bool:
        """Whether a file of this name provides this table."""
        return provides(self.files, filename)


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """What a person says about the files of one table, in `files.<table>` of run.json; what is not said is detected."""

    file: str = field(default="", metadata={"help": "name of the file, or a pattern such as plays-*.tsv"})
    columns: Mapping[str, str] = field(
        default_factory=dict, metadata={"help": "column of the file by column of the table; a place from 1 also does"}
    )
    encoding: str | None = field(default=None, metadata={"help": "such as utf-8, cp1252, utf-16"})
    delimiter: str | None = field(default=None, metadata={"help": "what separates the fields, such as ; or ::"})
    quote: str | None = field(default=None, metadata={"help": 'such as ", or empty where quotes mean nothing'})
    decimal: Literal[".", ","] | None = field(default=None, metadata={"help": "what separates the fraction"})
    header: bool | None = field(default=None, metadata={"help": "whether the first line names the columns"})
    dates: Literal["day first", "month first"] | None = field(default=None, metadata={"help": "what 3/4/2026 means"})
    sheet: str | None = field(default=None, metadata={"help": "of an Excel workbook"})
    repeats: Repeats | None = field(default=None, metadata={"help": "what is done about lines with equal keys"})
