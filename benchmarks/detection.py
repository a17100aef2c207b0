"""Measures what it costs to find out how a file is written, in files of any size and dialect; runs on a laptop.

    python -m benchmarks.detection
    python -m benchmarks.detection --megabytes 200

Detection looks at a sample, so that its cost does not grow with the file; the look at every byte and the reading by
DuckDB do, and stand beside it per megabyte. All are CPU time of all threads.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from benchmarks.figures import columns
from recipes.two_tower.config import CONFIG, sources
from trainyard.contract.sources import FileSettings
from trainyard.reading.model import LocalFile
from trainyard.reading.opening.csv_tables import names_known
from trainyard.reading.opening.decimals import decimal
from trainyard.reading.opening.header import header
from trainyard.reading.opening.open import found_tables
from trainyard.reading.opening.opened_text import OpenedText, detected
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.opening.text_scan import Look, look

BAR_MILLISECONDS = 50
MEGABYTE = 2**20
TIMES = 5
HEADER = ("file", "MB", "detection ms", "look ms/MB", "DuckDB ms/MB", "verdict")


def main() -> int:
    """Print the table; the exit code is 1 when a detection took longer than the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=20, help="size of each file")
    size = parser.parse_args().megabytes * MEGABYTE
    with tempfile.TemporaryDirectory() as folder:
        rows = [_measured(name, line, size=size, folder=Path(folder)) for name, line in LINES.items()]
    sys.stdout.write(f"{columns([HEADER, *rows])}\n")
    return int(any(row[-1] == "MISSED" for row in rows))


def _integers(chance: random.Random, row: int) -> str:
    return f"{row // 10},{chance.randrange(50_000)},{row % 10 + 1},{row % 2}\n"


def _ratings(chance: random.Random, row: int) -> str:
    return f"{row // 20};{chance.randrange(60_000)};{chance.randrange(1, 11) / 2:.1f};{960_180_000 + row}\n"


def _reviews(chance: random.Random, row: int) -> str:
    text = 'it was ""fine"", really, and I would buy it again ' * chance.randrange(1, 9)
    return f'{row},{row % 5 + 1},"good, mostly","{text}\nagain {row}"\n'


def _headlines(chance: random.Random, row: int) -> str:
    words = " ".join(chance.choice(("Größe", "rates", '"cut', "again", "team", "won")) for _ in range(8))
    return f"{row}\t{words}\thttp://site.example/{row}\tPost\tb\t{row // 3}\tsite.example\t{1_394_470_430_000 + row}\n"


def _wide(chance: random.Random, row: int) -> str:
    return ",".join(f"{chance.random():.4f}" for _ in range(60)) + f",{row}\n"


LINES: dict[str, Callable[[random.Random, int], str]] = {
    "order lines": _integers,
    "ratings, semicolons": _ratings,
    "reviews of several lines": _reviews,
    "headlines, broken quotes": _headlines,
    "61 columns": _wide,
}


def _measured(name: str, line: Callable[[random.Random, int], str], *, size: int, folder: Path) -> tuple[str, ...]:
    path = folder / "file.csv"
    path.write_text("".join(_lines(line, size=size)), encoding="utf-8")
    megabytes = path.stat().st_size / MEGABYTE
    text = Text(name=path.name, path=path, key="k", folder=folder)
    known = names_known(sources(CONFIG))
    sample = detected(text, FileSettings(), known=known)
    detection = _cpu(lambda: _detect(text, known=known))
    looking = _cpu(lambda: look(path, name, delimiter=sample.delimiter))
    with duckdb.connect() as connection:
        file = LocalFile(name=path.name, path=path)
        (found,) = found_tables(connection, file, settings=FileSettings(), sources=sources(CONFIG), scratch=folder)
        reading = _cpu(lambda: connection.execute(f"SELECT count(c0) FROM {found.relation}").fetchall())
    each = (f"{1000 * seconds / megabytes:.2f}" for seconds in (looking, reading))
    verdict = "met" if 1000 * detection <= BAR_MILLISECONDS else "MISSED"
    return (name, f"{megabytes:.0f}", f"{1000 * detection:.0f}", *each, verdict)


def _lines(line: Callable[[random.Random, int], str], *, size: int) -> Iterator[str]:
    chance, row = random.Random(1), 0
    while size > 0:
        text = line(chance, row)
        yield text
        size, row = size - len(text), row + 1


def _detect(text: Text, *, known: frozenset[str]) -> None:
    choice = detected(text, FileSettings(), known=known)
    top = header(choice.records, known=known, given=None)
    rows = OpenedText(text=text, seen=Look(lines=0, size=0), choice=choice, top=top).spread_rows
    decimal(rows, delimiter=choice.delimiter)


def _cpu(work: Callable[[], object]) -> float:
    """The least CPU seconds of a few times."""
    spent = []
    for _ in range(TIMES):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


if __name__ == "__main__":
    sys.exit(main())
