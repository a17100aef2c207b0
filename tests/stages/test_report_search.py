"""The report says what a search tried: each hyperparameter against the objective, every job, and the best beside."""

from __future__ import annotations

from pathlib import Path

from recipes.prod2vec.config import CONFIG
from trainyard.stages.report.search import search_sections

JOBS = """TrainingJobName,TrainingJobStatus,FinalObjectiveValue,embedding_size,learning_rate,TrainingElapsedTimeSeconds
best,Completed,0.31,200,0.5,61
other,Completed,0.22,120,0.1,58
broken,Failed,,150,0.9,3
"""
BEFORE = {"embedding_size": 100, "learning_rate": 0.3, "epochs": 20}


def test_the_best_stands_beside_what_would_have_been_trained_with(tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text(JOBS, encoding="utf-8")
    (section,) = search_sections(tmp_path, CONFIG.tuning, before=BEFORE)
    best, jobs = section.tables
    assert [row[:3] for row in best.rows] == [("embedding_size", 100.0, 200.0), ("learning_rate", 0.3, 0.5)]
    assert best.rows[1][3] == "0.05 to 1"
    assert [row[0] for row in jobs.rows] == [0.31, 0.22, None]
    assert jobs.rows[2][-1] == "Failed"
    assert "2 of 3 training jobs" in section.text
    assert section.figures[0].png.startswith(b"\x89PNG")


def test_nothing_is_said_without_a_search_or_where_nothing_was_found(tmp_path: Path) -> None:
    assert search_sections(None, CONFIG.tuning, before=BEFORE) == ()
    assert search_sections(tmp_path, CONFIG.tuning, before=BEFORE) == ()
    (tmp_path / "jobs.csv").write_text(JOBS.splitlines()[0] + "\nx,Failed,,1,1,1\n", encoding="utf-8")
    assert search_sections(tmp_path, CONFIG.tuning, before=BEFORE) == ()
