"""Checks what a recipe says of requests that an endpoint kept, for the contract test: in terms that are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainyard.contract.config import WATCHED, RecipeConfig, to_mapping
from trainyard.run import recipe as recipes
from trainyard.run.run import Run
from trainyard.run.settings.overrides import override
from trainyard.run.watch.drift_check import DriftCheck
from trainyard.run.watch.profile import AnswerProfile, DataProfile
from trainyard.serving.captured_files import encoded
from trainyard.serving.exchange import Exchange
from trainyard.stages.check_drift.check_drift import check_drift
from trainyard.stages.ingest.profile import profile

MODEL_RUN = "20261121-020304-00000001"


def check_captured(
    name: str, asked: tuple[Sequence[Mapping[str, Any]], Sequence[Any]], *, model_dir: Path, root: Path, config: Any
) -> None:
    """Requests and answers become columns of tables and scores, and the stage profiles those that both have."""
    requests, answers = asked
    said = recipes.captured(name, model_dir, config=config).answers(requests, answers)
    if said is not None:
        scored = next(recipes.module(name, "score").score(model_dir, root / "score-tables", config=config))
        shares = {column for each in recipes.shares(name) for column in (each.name, each.of)}
        assert said.keys() <= {*scored.column_names} | shares | {WATCHED}
        assert max(len(each) for each in said.values()) == len(requests)
        for each in recipes.shares(name):
            assert len(said[each.name]) == len(said[each.of])
    folder = root / "captured"
    folder.mkdir()
    keep(folder / "one.parquet", requests, answers)
    tables = {each.name: each for each in (root / "score-tables").iterdir()}
    learned = profile(tables, recipes.sources(name, config), scratch=root)
    check = DriftCheck(model_run=MODEL_RUN, hours=24, files=1, found=1, tables=learned.tables)
    few = override(config, {"drift": {"least_rows": 1}})
    found = check_drift(run_of(name, few), check, captured=folder, model_dir=model_dir, output=folder)
    assert found.rows == len(requests)
    profiled = DataProfile.read(folder).tables
    assert all(set(each.columns) <= set(learned.tables[table].columns) for table, each in profiled.items())
    assert AnswerProfile.read(folder).answers.rows <= len(requests)


def keep(path: Path, requests: Sequence[Any], answers: Sequence[Any], *, run_id: str = MODEL_RUN) -> None:
    """What the service would keep of requests, each with one row."""
    exchanges = [
        Exchange(str(number), str(number), 1.0, 0.01, "POST /invocations", [row], [answer], 10)
        for number, (row, answer) in enumerate(zip(requests, answers, strict=True))
    ]
    path.write_bytes(encoded(exchanges, run_id=run_id, never_kept=frozenset()))


def run_of(name: str, config: RecipeConfig) -> Run:
    """A run that checks requests."""
    return Run(
        recipe=name,
        run_id="20261130-020304-00000002",
        dataset="model in use",
        execution_arn="arn:aws:states:us-east-1:111122223333:execution:m:check",
        raw_bucket="raw",
        artifacts_bucket="artifacts",
        fingerprint="f",
        code_version="c",
        files=(),
        config=to_mapping(config),
        task="check_drift",
    )
