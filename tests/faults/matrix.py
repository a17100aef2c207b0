"""The table of docs/reliability.md: how it is read, compared with a fault that ran, and written anew.

A row is one fault: what was broken, what must come of it, and what was seen. Rows stand under the heading of the test
module that breaks it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
HEAD = "| Fault | Expected | Observed |\n|---|---|---|"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault; `area` is the heading it stands under, a sentence of its own in `given` names it."""

    area: str
    given: str
    expected: str
    observed: str


def read() -> Mapping[str, Row]:
    """The rows of the page by their fault."""
    rows, area = {}, ""
    for line in PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].splitlines():
        if line.startswith("### "):
            area = line[4:]
        cells = [each.strip() for each in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] != "Fault":
            given, expected, observed = cells
            rows[given] = Row(area=area, given=given, expected=expected, observed=observed)
    return rows


def write(rows: Iterable[Row]) -> None:
    """Replace the table of the page by these rows."""
    by_area: dict[str, list[Row]] = {}
    for row in rows:
        by_area.setdefault(row.area, []).append(row)
    parts = []
    for area in sorted(by_area):
        lines = [f"| {each.given} | {each.expected} | {each.observed} |" for each in by_area[area]]
        parts.append("\n".join([f"### {area}", "", HEAD, *lines]))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    table = "\n\n".join(parts)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def keep(folder: Path, row: Row) -> None:
    """Leave a row that was seen in a folder, for `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(each if each.isalnum() else "-" for each in row.given)[:120]
    (folder / f"{name}.json").write_text(json.dumps(asdict(row)), encoding="utf-8")


def kept(folder: Path) -> Mapping[str, Row]:
    """The rows that were left in a folder, by their fault."""
    rows = [Row(**json.loads(each.read_text(encoding="utf-8"))) for each in sorted(folder.glob("*.json"))]
    return {each.given: each for each in rows}
