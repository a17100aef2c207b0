"""Measures what profiles of data and answers cost, and how often they see what was planted; runs on a laptop.

    python -m benchmarks.drift
    python -m benchmarks.drift --uploads 100

Bars: 1,000,000 rows of 60 columns, with the answers to them, in 2 CPU seconds, profiles of at most 200 kB, at most 1 %
false alarms over the uploads without drift, columns of data and answers together, and each planted drift found in every
upload of 2,000 rows. `benchmarks.scored_drift` is the same with models of recipes.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.figures import columns
from trainyard.contract.config import Share
from trainyard.run.watch.drift import moved
from trainyard.run.watch.profile import DataProfile, TableProfile
from trainyard.stages.answers import AnswerProfiler
from trainyard.stages.ingest.profile import profile

COLUMNS, LONG_ROWS, PART_ROWS = 60, 1_000_000, 100_000
REFERENCE_ROWS, HELD_OUT_ROWS, UPLOAD_ROWS, PLANTED = 20_000, 4_000, 2_000, 20
MOST_CPU, MOST_BYTES, MOST_ALARMS = 2.0, 200_000, 0.01
MONTHS, MONTH_SHARES = ["Jan", "Feb", "Mar", "Apr", "May"], [0.5, 0.25, 0.15, 0.08, 0.02]
PRODUCTS = [f"product {place}" for place in range(300)]
PRODUCT_SHARES = 1 / np.arange(1, 301) / (1 / np.arange(1, 301)).sum()
CLASSES, CLASS_SHARES = ["news", "sports", "health", "travel", "food"], [0.4, 0.3, 0.15, 0.1, 0.05]
SHARES = (Share(name="unknown_words", of="words"),)
Table = dict[str, pa.Array]
Change = Callable[[Table, np.random.Generator], None]


def main() -> int:
    """Print the table; the exit code is 1 when a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=500, help="uploads without drift")
    uploads = parser.parse_args().uploads
    rng = np.random.default_rng(1)
    seconds, size = _cost(rng)
    reference = _profiled(drawn(rng, REFERENCE_ROWS), answers(rng, HELD_OUT_ROWS))
    alarms = sum(
        bool(moved(reference, _profiled(drawn(rng, UPLOAD_ROWS), answers(rng, UPLOAD_ROWS)))) for _ in range(uploads)
    )
    rows = [
        ("what", "found", "bar", ""),
        (
            "CPU s of 1,000,000 rows x 60 columns and answers",
            f"{seconds:.2f}",
            f"{MOST_CPU}",
            _met(seconds <= MOST_CPU),
        ),
        ("bytes of a profile", f"{size:,}", f"{MOST_BYTES:,}", _met(size <= MOST_BYTES)),
        ("false alarms, data and answers", f"{alarms} of {uploads}", "1 %", _met(alarms <= MOST_ALARMS * uploads)),
    ]
    for name, change in {**CHANGES, **CHANGES_OF_ANSWERS}.items():
        found = sum(_sees(reference, change, rng=rng, in_answers=name in CHANGES_OF_ANSWERS) for _ in range(PLANTED))
        rows.append((name, f"{found} of {PLANTED}", "all", _met(found == PLANTED)))
    print(columns(rows))
    return int(any(each[-1] == "MISSED" for each in rows))


def drawn(rng: np.random.Generator, rows: int) -> Table:
    """Columns of six kinds, ten of each, with 2 % of gaps."""
    kinds: tuple[Callable[[], np.ndarray], ...] = (
        lambda: rng.normal(10, 2, rows),
        lambda: rng.lognormal(0, 1.5, rows),
        lambda: rng.poisson(3, rows),
        lambda: rng.choice(MONTHS, rows, p=MONTH_SHARES),
        lambda: rng.choice(PRODUCTS, rows, p=PRODUCT_SHARES),
        lambda: rng.random(rows) < 0.1,
    )
    return {
        f"column {place}": pa.array(kinds[place % len(kinds)](), mask=rng.random(rows) < 0.02)
        for place in range(COLUMNS)
    }


def answers(rng: np.random.Generator, rows: int) -> Table:
    """A class, its probability, and words of which five in a hundred are unknown: in some texts many, in most none."""
    words = 3 + rng.poisson(8, rows)
    return {
        "category": pa.array(rng.choice(CLASSES, rows, p=CLASS_SHARES)),
        "probability": pa.array(rng.beta(5, 2, rows)),
        "words": pa.array(words),
        "unknown_words": pa.array(rng.binomial(words, rng.beta(0.5, 9.5, rows))),
    }


def _shifted(table: Table, rng: np.random.Generator) -> None:
    """By half a deviation."""
    table["column 0"] = pa.array(rng.normal(11, 2, UPLOAD_ROWS))


def _renamed(table: Table, _rng: np.random.Generator) -> None:
    table["column 3"] = pa.array(["April" if each == "Apr" else each for each in table["column 3"].to_pylist()])


def _with_gaps(table: Table, rng: np.random.Generator) -> None:
    table["column 1"] = pa.array(rng.lognormal(0, 1.5, UPLOAD_ROWS), mask=rng.random(UPLOAD_ROWS) < 0.1)


def _new_products(table: Table, rng: np.random.Generator) -> None:
    new = rng.random(UPLOAD_ROWS) < 0.2
    values = enumerate(table["column 4"].to_pylist())
    table["column 4"] = pa.array([f"new {place % 40}" if new[place] else each for place, each in values])


CHANGES: Mapping[str, Change] = {
    "a mean shifted by half a deviation": _shifted,
    "a category of 8 % renamed": _renamed,
    "gaps from 2 to 10 %": _with_gaps,
    "a new range of products, 20 % of the rows": _new_products,
}


def _surer(table: Table, rng: np.random.Generator) -> None:
    """By half a deviation."""
    table["probability"] = pa.array(np.minimum(rng.beta(5, 2, UPLOAD_ROWS) + 0.08, 1.0))


def _another_mix(table: Table, rng: np.random.Generator) -> None:
    table["category"] = pa.array(rng.choice(CLASSES, UPLOAD_ROWS, p=[0.25, 0.3, 0.15, 0.1, 0.2]))


def _new_words(table: Table, rng: np.random.Generator) -> None:
    """As where a fifth of the texts are in another language."""
    foreign = rng.random(UPLOAD_ROWS) < 0.2
    table["unknown_words"] = pa.array(np.where(foreign, table["words"].to_numpy(), table["unknown_words"].to_numpy()))


CHANGES_OF_ANSWERS: Mapping[str, Change] = {
    "probabilities higher by half a deviation": _surer,
    "15 % of the answers are of another class": _another_mix,
    "a fifth of the texts are of unknown words": _new_words,
}


def _sees(reference: DataProfile, change: Change, *, rng: np.random.Generator, in_answers: bool) -> bool:
    table, answered = drawn(rng, UPLOAD_ROWS), answers(rng, UPLOAD_ROWS)
    change(answered if in_answers else table, rng)
    return bool(moved(reference, _profiled(table, answered)))


def _profiled(table: Table, answered: Table) -> DataProfile:
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table(table), Path(folder) / "part-0.parquet")
        found = profile({"table": Path(folder)}, (), scratch=Path(folder))
    return DataProfile(tables={**found.tables, "answers": _answered([pa.table(answered)])})


def _answered(parts: Sequence[pa.Table]) -> TableProfile:
    profiler = AnswerProfiler(rows=sum(each.num_rows for each in parts), shares=SHARES)
    for each in parts:
        profiler.add(each)
    return profiler.profile()


def _cost(rng: np.random.Generator) -> tuple[float, int]:
    """CPU seconds of profiling a long table, and the bytes of its profile."""
    with tempfile.TemporaryDirectory() as folder:
        for part in range(LONG_ROWS // PART_ROWS):
            pq.write_table(pa.table(drawn(rng, PART_ROWS)), Path(folder) / f"part-{part}.parquet")
        answered = [pa.table(answers(rng, PART_ROWS)) for _ in range(LONG_ROWS // PART_ROWS)]
        before = _cpu()
        found = profile({"table": Path(folder)}, (), scratch=Path(folder))
        both = DataProfile(tables={**found.tables, "answers": _answered(answered)})
        moved(both, both)
        return _cpu() - before, len(both.to_json())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _met(ok: bool) -> str:
    return "met" if ok else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
