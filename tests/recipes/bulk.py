"""Scores a small model's own sample in bulk, for the contract test: every row, as declared, as the service answers."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import ibis
import pyarrow.parquet as pq
import pytest

from tests.recipes.tables import read_sources
from trainyard.contract import chunks
from trainyard.contract.config import RecipeConfig
from trainyard.run import recipe as recipes
from trainyard.run.settings.overrides import override
from trainyard.stages.ingest import database
from trainyard.stages.score import page as score_page

CHUNK_ROWS = 500


def check_scoring(name: str, raw: Path, model_dir: Path, root: Path, config: RecipeConfig) -> None:
    """Every row is scored, in the declared columns, whatever the chunk; and as `serve.py` answers."""
    tables, written, again = (root / each for each in ("score-tables", "score-written", "score-again"))
    for folder in (tables, written, again):
        folder.mkdir()
    ingest(name, raw, tables, config)
    score = recipes.module(name, "score")
    schema = chunks.schema(recipes.score_columns(name))
    small, large = (_with_chunks(config, rows) for rows in (CHUNK_ROWS, 7 * CHUNK_ROWS))
    done = chunks.write(score.score(model_dir, tables, config=small), written, schema=schema)
    assert done.rows == score.count(tables, small) > 0
    chunks.write(score.score(model_dir, tables, config=large), again, schema=schema)
    rows = pq.read_table(written).to_pylist()
    check_page(name, written, model_dir)
    _assert_close(pq.read_table(again).to_pylist(), rows)
    if importlib.util.find_spec(f"tests.recipes.{name}"):
        contract = importlib.import_module(f"tests.recipes.{name}.contract")
        ours, served = contract.served_as(rows[:CHUNK_ROWS], model_dir, tables)
        assert ours
        if getattr(contract, "BULK_IS_EXACT", False):
            assert ours == served
        _assert_close(ours, served)


def check_page(name: str, written: Path, model_dir: Path) -> None:
    """The page about the scored rows shows every column, and what the model learned from where the recipe says it."""
    columns = recipes.score_columns(name)
    seen = recipes.seen(name, model_dir)
    assert set(seen) <= {each.name for each in columns if each.spread}
    page = score_page.page(written, columns, title=name, summary="", facts={}, seen=seen)
    assert page == score_page.page(written, columns, title=name, summary="", facts={}, seen=seen)
    assert all(f">{each.name}</td>" in page for each in columns)
    assert page.count("<h2>Rows with the ") == 2 * sum(each.ranked for each in columns)
    assert page.count("<h3>") > 0
    assert ("learned from" in page) == bool(seen)


def ingest(name: str, raw: Path, tables: Path, config: RecipeConfig) -> None:
    """What the ingest job writes of the sample when its rows are to be scored."""
    sources = recipes.sources(name, config)
    found = [path for path in raw.iterdir() for each in sources if each.format == "sqlite" and each.accepts(path.name)]
    if not found:
        for table, rows in read_sources(ibis.duckdb.connect(), raw, sources).items():
            (tables / table).mkdir()
            rows.to_parquet(tables / table / "part-00000.parquet")
        return
    scratch = tables.with_name("score-scratch")
    scratch.mkdir()
    with database.open_sqlite(found[0], found[0].name, scratch=scratch) as connection:
        assert recipes.module(name, "ingest").extract_every_row(connection, tables, config=config).ok


def _with_chunks(config: RecipeConfig, rows: int) -> RecipeConfig:
    return override(config, {"score": {"chunk_rows": rows}})


def _assert_close(ours: Any, theirs: Any) -> None:
    """Equal but for the last digits of real numbers: the order of a sum depends on how many rows come together."""
    if isinstance(ours, float) and isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            _assert_close(ours[key], theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            _assert_close(one, other)
    else:
        assert ours == theirs
