"""Takes files of a recipe the whole way of a run, from reading them to scores, in one process."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
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
from trainyard.reading.model import LocalFile
from trainyard.reading.read import read
from trainyard.run import recipe as recipes
from trainyard.stages.evaluate.bootstrap import interval

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
        quality = self._ingest(files)
        if quality.ok:
            quality += self.module("prepare").check(self.tables, self.config)
        json.loads(quality.to_json())
        assert all(np.isfinite(value) for value in quality.figures.values())
        return quality

    def _ingest(self, files: Mapping[str, bytes]) -> Quality:
        sources, uploads = recipes.sources(self.recipe, self.config), []
        for name, data in files.items():
            path = self.folder("uploads") / name
            path.write_bytes(data)
            source = next((each.name for each in sources if each.accepts(name)), "")
            uploads.append(LocalFile(name=name, path=path, source=source))
        reading = read(
            uploads,
            sources,
            settings=self.config.files,
            max_bad_share=self.config.data.max_bad_share,
            scratch=self.folder("ingest"),
        )
        reader = ibis.duckdb.connect()
        self.tables = {
            name: reader.read_parquet([str(each) for each in parts]) for name, parts in reading.tables.items()
        }
        return reading.quality

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
        _expect_finite({name: each.metrics for name, each in found.items()})

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
            self._tell_apart(len(found.examples))
            predictor = self.module("serve").load(model)
            json.dumps(predictor.predict(predictor.examples()), allow_nan=False)
            self._report(model)
            self._score(model)

    def _tell_apart(self, examples: int) -> None:
        """What the report tells held-out examples apart by has a value for each."""
        if importlib.util.find_spec(recipes.module_name(self.recipe, "slices")):
            kinds = self.module("slices").slices(self.channels["holdout"], config=self.config)
            assert {len(values) for values in kinds.values()} <= {examples}

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
