"""Takes files of a recipe the whole way of a run, from the strict reading of CSV to scores, in one process."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import numpy as np

from trainyard.contract import chunks
from trainyard.contract.config import RecipeConfig
from trainyard.contract.quality import Quality
from trainyard.errors import BadData
from trainyard.glue import engine
from trainyard.run import recipe as recipes
from trainyard.stages.evaluate.bootstrap import interval
from trainyard.stages.ingest.csv_load import load
from trainyard.stages.ingest.csv_scan import plain
from trainyard.stages.ingest.duplicates import duplicates

ROLES = ("train", "validation", "holdout", "features")


@dataclass
class Walk:
    """One recipe's files in a folder of their own; each step reads what the step before it wrote."""

    recipe: str
    config: RecipeConfig
    root: Path
    tables: dict[str, ibis.Table] = field(default_factory=dict)

    def module(self, name: str) -> Any:
        return recipes.module(self.recipe, name)

    def folder(self, *names: str) -> Path:
        found = self.root.joinpath(*names)
        found.mkdir(parents=True, exist_ok=True)
        return found

    @property
    def channels(self) -> dict[str, Path]:
        return {name: self.folder("process", name) for name in ROLES}

    def judged(self, files: Mapping[str, bytes]) -> Quality:
        """What the quality state is told: of the files first, then of the tables."""
        try:
            self._ingest(files)
        except BadData as refusal:
            return Quality(problems=refusal.problems)
        judged: Quality = self.module("prepare").check(self.tables, self.config)
        json.loads(judged.to_json())
        assert all(np.isfinite(value) for value in judged.figures.values())
        return judged

    def _ingest(self, files: Mapping[str, bytes]) -> None:
        duckdb = engine.connect(self.root)
        reader = ibis.duckdb.connect()
        try:
            for source in recipes.sources(self.recipe, self.config):
                given = [name for name in files if source.accepts(name)]
                for name in given:
                    (self.root / "upload").write_bytes(files[name])
                    file = plain(self.root / "upload", name, scratch=self.root)
                    part = self.folder("ingest", source.name) / "part-00000.parquet"
                    load(duckdb, source, file=file, target=part)
                    if problems := duplicates(duckdb, source, parts=[part], files=[file]):
                        raise BadData(problems)
                    self.tables[source.name] = reader.read_parquet(str(part))
        finally:
            duckdb.close()

    def process(self) -> None:
        """Prepare and process; every table has rows and every figure is a number."""
        prepared = self.folder("prepare")
        for name, table in self.module("prepare").prepare(self.tables, self.config).items():
            table.to_parquet(self.folder("prepare", name) / "part-00000.parquet")
            assert chunks.count(prepared / name), f"the prepared table {name} is empty"
        channels = self.channels
        figures = self.module("process").process(prepared, channels["train"].parent, config=self.config)
        assert all(np.isfinite(value) for value in figures.values()), figures

    def references(self) -> None:
        """The simple models, on the same held-out rows."""
        with _quiet():
            found = self.module("evaluate").references(self.channels, self.channels["holdout"], config=self.config)
        _expect_finite(found)

    def train(self) -> None:
        """Train, evaluate with its interval, answer requests and score every row."""
        model = self.folder("model")
        with _quiet():
            metrics = self.module("train").train(
                self.channels, model, checkpoints=self.folder("checkpoints"), config=self.config
            )
            _expect_finite(metrics)
            found = self.module("evaluate").evaluate(model, self.channels["holdout"], config=self.config)
            _expect_finite(found.metrics)
            low, high = interval(found.examples, statistic=found.statistic, resamples=100)
            assert np.isfinite([low, high]).all()
            predictor = self.module("serve").load(model)
            json.dumps(predictor.predict(predictor.examples()), allow_nan=False)
            self._report(model)
            self._score(model)

    def _report(self, model: Path) -> None:
        inputs = importlib.import_module("trainyard.contract.report").ReportInputs(
            model=model, prepare=self.folder("prepare"), process=self.folder("process")
        )
        assert self.module("report").report(inputs, self.folder("report"), config=self.config)

    def _score(self, model: Path) -> None:
        module, tables = self.module("score"), self.folder("ingest")
        schema = chunks.schema(recipes.score_columns(self.recipe))
        done = chunks.write(module.score(model, tables, config=self.config), self.folder("score"), schema=schema)
        assert done.rows == module.count(tables, self.config) > 0


def _expect_finite(found: Any) -> None:
    """Every number in (nested) mappings is finite."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            _expect_finite(value)
        else:
            assert np.isfinite(value), (name, value)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress that a job prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
