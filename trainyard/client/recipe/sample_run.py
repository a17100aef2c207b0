"""Takes a recipe's own sample from ingest to scores in this process, with a sentence for each breach of the contract.

Stages would stop at the first thing that is wrong; here each step says all that it finds, in the terms of the recipe.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from trainyard.client.dataset.check import data_files, read_tables
from trainyard.contract import chunks
from trainyard.contract.config import RecipeConfig
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.report import ReportInputs, Section
from trainyard.contract.training import curves
from trainyard.glue import engine
from trainyard.run import recipe
from trainyard.run.settings.overrides import override
from trainyard.stages.evaluate import per_example
from trainyard.stages.process import FOLDERS
from trainyard.stages.report.page import render

SEED = 1
# Sums of floating point numbers in another order differ by as much.
TOLERANCE = 1e-6


@dataclass(kw_only=True)
class SampleRun:
    """One run of a recipe on `size` lines of its sample; each step reads what the step before it wrote below `root`."""

    name: str
    config: RecipeConfig
    root: Path
    size: int
    tables: dict[str, list[str]] = field(default_factory=dict)
    answers: set[str] = field(default_factory=set)

    @property
    def steps(self) -> tuple[Callable[[], Iterator[str]], ...]:
        """In the order of the workflow."""
        return (self.ingest, self.process, self.train, self.evaluate, self.report, self.serve, self.score)

    def folder(self, *names: str) -> Path:
        """A folder below `root`, made where it is not there."""
        found = self.root.joinpath(*names)
        found.mkdir(parents=True, exist_ok=True)
        return found

    @property
    def model_dir(self) -> Path:
        """What training filled."""
        return self.folder("model")

    @property
    def holdout(self) -> Path:
        """What the model is evaluated on."""
        return self.folder("process", "holdout")

    @property
    def _channels(self) -> dict[str, Path]:
        return {each: self.folder("process", each) for each in ("train", "validation", "features")}

    def _module(self, name: str) -> ModuleType:
        return recipe.module(self.name, name)

    def ingest(self) -> Iterator[str]:
        """Make the sample, read it, and prepare what `check` accepts."""
        raw, sources = self.folder("raw"), recipe.sources(self.name, self.config)
        self._module("sample").write(raw, size=self.size, seed=SEED)
        files = data_files(raw, sources, config=self.config)
        # So that a database gives the rows that are only scored too.
        scored = override(self.config, {"score": {"enabled": True}})
        reading = read_tables(self.name, files, sources=sources, config=scored, scratch=self.folder("ingest"))
        yield from (f"sample.py: its files were refused: {each}" for each in reading.quality.problems)
        if not reading.quality.ok:
            return
        self.tables = {name: [str(each) for each in parts] for name, parts in reading.tables.items()}
        running = engine.start("duckdb", self.folder("scratch"))
        try:
            tables = {name: running.read(parts) for name, parts in self.tables.items()}
            quality = self._module("prepare").check(tables, self.config)
            yield from (f"prepare.py: check() refuses the recipe's own sample: {each}" for each in quality.problems)
            yield from _finite(quality.figures, of="prepare.py: check()")
            for name, table in self._module("prepare").prepare(tables, self.config).items():
                if not running.write(table, str(self.folder("prepare", name))):
                    yield f"prepare.py: expected rows in the table {name} of the sample, found none."
        finally:
            running.close()

    def process(self) -> Iterator[str]:
        """Figures are numbers, and every folder is filled."""
        for each in FOLDERS:
            self.folder("process", each)
        figures = self._module("process").process(self.folder("prepare"), self.folder("process"), config=self.config)
        if not figures:
            yield "process.py: expected figures from process(), found none; give at least how many rows there are."
        yield from _finite(figures, of="process.py: process()")
        for each in FOLDERS:
            if not any(self.folder("process", each).iterdir()):
                yield f"process.py: expected files in the folder {each}, found none."

    def train(self) -> Iterator[str]:
        """The objective is printed and returned, and so is every figure of the curves."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            metrics = self._module("train").train(
                self._channels, self.model_dir, checkpoints=self.folder("checkpoints"), config=self.config
            )
        lines = printed.getvalue().splitlines()
        yield from _finite(metrics, of="train.py: train()")
        objective = self.config.tuning.objective
        if objective not in metrics:
            yield f"train.py: expected {objective} among the metrics, found {', '.join(metrics) or 'none'}."
        for start, call in ((f"{objective}=", f'metric("{objective}", ...)'), ("progress=", "progress(...)")):
            if not any(each.startswith(start) for each in lines):
                yield f"train.py: expected a call of {call} while it trains; the search and people read what it prints."
        if (self.model_dir / curves.CURVES_FILE).is_file():
            yield from _printed(curves.read(self.model_dir), lines)

    def evaluate(self) -> Iterator[str]:
        """Evaluations are equal, the primary metric is the statistic of the examples, and baselines are comparable."""
        module, gate = self._module("evaluate"), self.config.gate
        first, again = (module.evaluate(self.model_dir, self.holdout, config=self.config) for _ in range(2))
        self.answers = set(first.answers)
        if first.metrics != again.metrics or not np.array_equal(first.examples, again.examples):
            yield "evaluate.py: expected two evaluations of one model to be equal, found others; seed what is drawn."
        missing = sorted({gate.primary, *gate.minimum, *gate.maximum} - set(first.metrics))
        if missing:
            yield f"evaluate.py: expected the metrics that the gate asks for, found no {', '.join(missing)}."
        else:
            yield from _statistic(first.examples, first, metrics=first.metrics, primary=gate.primary, of="evaluate()")
            yield from _found_again(self.name, first, primary=gate.primary)
            references = module.references(self._channels, self.holdout, config=self.config)
            yield from _references(references, first, primary=gate.primary)

    def report(self) -> Iterator[str]:
        """Sections that a page can be made of."""
        inputs = ReportInputs(model=self.model_dir, prepare=self.folder("prepare"), process=self.folder("process"))
        sections = self._module("report").report(inputs, self.folder("report"), config=self.config)
        if not sections or not all(isinstance(each, Section) for each in sections):
            yield "report.py: expected a list of Sections from report(), found none or something else."
        else:
            render(title=self.config.title, facts={}, sections=sections)

    def serve(self) -> Iterator[str]:
        """Example rows are answered in JSON, the same each time, and `/invocations` comes first."""
        load = self._module("serve").load
        predictor = load(self.model_dir)
        rows = predictor.examples()
        answers = predictor.predict(rows)
        if not rows or len(answers) != len(rows):
            yield f"serve.py: expected an answer for each example row, found {len(answers)} for {len(rows)}."
        if load(self.model_dir).predict(rows) != answers:
            yield "serve.py: expected the same answers of a model that is loaded again, found others."
        try:
            json.dumps(answers, allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"serve.py: expected answers that JSON can hold, found {error}."
        paths = [each.path for each in predictor.routes()]
        if paths[:1] != ["/invocations"]:
            yield f"serve.py: expected /invocations as the first route, found {', '.join(paths) or 'none'}."

    def score(self) -> Iterator[str]:
        """As many rows as `count` says, in the columns of SCORES, and with what evaluation says of held-out rows."""
        if not all(Path(each).is_file() for parts in self.tables.values() for each in parts):
            yield "score.py: expected the ingested tables to stay as they are, found files of them gone."
            return
        module = self._module("score")
        schema = chunks.schema(recipe.score_columns(self.name))
        tables = self.folder("ingest")
        given: set[str] = set()
        scored = module.score(self.model_dir, tables, config=self.config)
        written = chunks.write(_noting(scored, given), self.folder("scores"), schema=schema)
        if not written.rows == module.count(tables, self.config) > 0:
            yield f"score.py: expected as many rows as count() says, found {written.rows:,}."
        if lacking := sorted(self.answers - given):
            yield f"score.py: expected the columns of the answers of evaluate(), found no {', '.join(lacking)}."
        shares = {name for each in recipe.shares(self.name) for name in (each.name, each.of)}
        if lacking := sorted(shares - self.answers):
            yield f"evaluate.py: expected SHARES among the answers, found no {', '.join(lacking)}."


def _noting(tables: Iterator[pa.Table], names: set[str]) -> Iterator[pa.Table]:
    """The tables as they come; `names` are filled with those of their columns."""
    for table in tables:
        names.update(table.column_names)
        yield table


def _finite(figures: Mapping[str, Any], *, of: str) -> Iterator[str]:
    for name, value in figures.items():
        if not math.isfinite(value):
            yield f"{of}: expected a number in {name}, found {value}."


def _printed(series: Mapping[str, list[float]], lines: list[str]) -> Iterator[str]:
    for name, values in series.items():
        found = sum(each.startswith(f"{name}=") for each in lines)
        if not values or found < len(values):
            yield f"train.py: expected metric({name!r}, ...) for each of its {len(values)} epochs, found {found}."


def _statistic(
    examples: np.ndarray, evaluation: Evaluation, *, metrics: Mapping[str, float], primary: str, of: str
) -> Iterator[str]:
    found, said = evaluation.statistic(examples), metrics[primary]
    if not math.isclose(found, said, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        yield f"evaluate.py: expected {primary} of {of} to be the statistic of its examples, found {said} and {found}."


def _found_again(name: str, evaluation: Evaluation, *, primary: str) -> Iterator[str]:
    """Runs are compared later by their rows alone, so that the statistic has to be found by its metric."""
    found, said = per_example.statistic(name, primary)(evaluation.examples), evaluation.metrics[primary]
    if not math.isclose(found, said, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        yield (
            f"metrics.py: expected STATISTICS with the statistic of {primary}, which is not the mean of its examples; "
            "without it two runs cannot be compared."
        )


def _references(references: Mapping[str, Reference], found: Evaluation, *, primary: str) -> Iterator[str]:
    for name, each in references.items():
        yield from _finite(each.metrics, of=f"evaluate.py: the baseline {name}")
    compared = {name: (each, each.examples) for name, each in references.items() if each.examples is not None}
    if not compared:
        yield "evaluate.py: expected a baseline with examples from references(), found none; a model has to beat one."
    for name, (each, examples) in compared.items():
        expected = len(found.examples if each.rows is None else each.rows)
        if len(examples) != expected:
            yield f"evaluate.py: expected {expected} examples of the baseline {name}, found {len(examples)}."
        else:
            yield from _statistic(examples, found, metrics=each.metrics, primary=primary, of=f"the baseline {name}")
