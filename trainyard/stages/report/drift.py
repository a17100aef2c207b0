"""The part of a report about columns that moved since the model in use was trained; runs in processing."""

from __future__ import annotations

from pathlib import Path

from trainyard.contract.report import Cell, Section, Table
from trainyard.run.watch.drift import DataDrift

KINDS = {
    "missing": "share of missing values",
    "number": "distribution, greatest distance",
    "text": "length, greatest distance",
    "shares": "shares of values",
    "new": "new values",
}


def drift_sections(gated: Path | None) -> tuple[Section, ...]:
    """What moved, by what the gate kept in `gated`; none where nothing was compared."""
    if gated is None or not (gated / DataDrift.FILE).is_file():
        return ()
    found = DataDrift.read(gated)
    rows: list[tuple[Cell, ...]] = [
        (
            f"{each.table}.{each.column}",
            KINDS.get(each.what, each.what),
            f"{each.distance:.3f}",
            f"{each.psi:.3f}",
            each.text,
        )
        for each in found.moves
    ]
    told = (
        "columns differ by more than chance and by enough to matter"
        if rows
        else "no column differs by more than chance"
    )
    text = (
        f"Beside the data of run {found.reference}, which trained the model in use, {told}: a test of Kolmogorov and "
        "Smirnov for numbers, of Pearson for shares, at one false alarm in a hundred comparisons, all columns together."
    )
    table = Table(columns=("column", "what", "distance", "stability index", "before -> now"), rows=tuple(rows))
    return (Section(title="Data beside the champion's", text=text, tables=(table,) if rows else ()),)
