"""The page says which columns moved since the model in use was trained."""

from __future__ import annotations

from pathlib import Path

from trainyard.run.watch.drift import DataDrift, Move
from trainyard.stages.report.drift import drift_sections

MOVE = Move(
    table="orders",
    column="price",
    what="number",
    distance=0.2,
    enough=0.1,
    p_value=1e-9,
    text="median 10 -> 12",
    psi=0.25,
)


def test_each_move_is_a_row(tmp_path: Path) -> None:
    DataDrift(reference="old", moves=(MOVE,)).write(tmp_path)
    (section,) = drift_sections(tmp_path)
    assert "data of run old" in section.text
    assert section.tables[0].rows == (
        ("orders.price", "distribution, greatest distance", "0.200", "0.250", "median 10 -> 12"),
    )


def test_that_nothing_moved_is_said(tmp_path: Path) -> None:
    DataDrift(reference="old").write(tmp_path)
    (section,) = drift_sections(tmp_path)
    assert "no column differs by more than chance" in section.text
    assert not section.tables


def test_without_a_champion_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert drift_sections(tmp_path) == drift_sections(None) == ()
