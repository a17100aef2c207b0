"""How DuckDB's parser is asked to read a text file; runs in Glue's driver and on a laptop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainyard.reading.opening.records import STAND_IN, Dialect
from trainyard.reading.opening.text_scan import MAX_LINE_BYTES
from trainyard.reading.sql import literal, one_file


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A text file on disk that is taken apart into `width` fields a line, after the first `skip` lines."""

    path: Path
    dialect: Dialect
    width: int
    skip: int

    def relation(self, *, rejects: str, kind: str = "VARCHAR") -> str:
        """What stands after FROM; once it has been read, a table called `rejects` lists the lines that do not fit."""
        columns = ", ".join(f"'c{index}': '{kind}'" for index in range(self.width))
        # A line that is one text is taken apart where no text has anything.
        delimiter = self.dialect.delimiter or STAND_IN
        return (
            f"read_csv({one_file(self.path)}, compression = 'none', columns = {{{columns}}}, header = false, "
            f"skip = {self.skip}, auto_detect = false, delim = {literal(delimiter)}, "
            f"quote = {literal(self.dialect.quote)}, escape = {literal(self.dialect.escape)}, strict_mode = true, "
            f"max_line_size = {MAX_LINE_BYTES}, store_rejects = true, rejects_table = '{rejects}', "
            f"rejects_scan = '{rejects}_scans')"
        )
