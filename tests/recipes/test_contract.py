"""Every folder in `recipes/` keeps the contract of docs/recipes.md; folders are discovered, there is no list.

A recipe may bring `tests/recipes/<recipe>/contract.py` with `SIZE` (lines of the sample), `CHANGES` (to its
configuration, to be quick), `requests(model_dir) -> rows` that its `serve.py` can answer,
`evaluated(model_dir, holdout) -> (rows, answers)`: what evaluation computes, as the service says it, and
`served_as(rows, model_dir, tables)` -> scored rows in the terms of the service's answers, and these answers.
"""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import ibis
import numpy as np
import pytest

from tests.recipes.bulk import check_scoring
from tests.recipes.service import check_service
from tests.recipes.tables import read_sources
from trainyard.contract import curves
from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.contract.report import ReportInputs, Section
from trainyard.contract.sources import Source
from trainyard.run import recipe as recipes
from trainyard.stages.ingest import database
from trainyard.stages.report.page import render

ROOT = Path(__file__).parents[2]
EXPORTS = {
    "config": ("CONFIG", "SCORES", "sources"),
    "features": (),
    "prepare": ("check", "prepare"),
    "process": ("process",),
    "model": (),
    "train": ("train",),
    "inference": (),
    "metrics": (),
    "evaluate": ("evaluate", "references"),
    "report": ("report",),
    "serve": ("load",),
    "score": ("count", "score"),
    "sample": ("write",),
}
PARAMETERS = {
    ("config", "sources"): ["config"],
    ("prepare", "check"): ["tables", "config"],
    ("prepare", "prepare"): ["tables", "config"],
    ("process", "process"): ["inputs", "outputs", "config"],
    ("train", "train"): ["channels", "model_dir", "checkpoints", "config"],
    ("evaluate", "evaluate"): ["model_dir", "holdout", "config"],
    ("evaluate", "references"): ["channels", "holdout", "config"],
    ("report", "report"): ["inputs", "outputs", "config"],
    ("serve", "load"): ["model_dir"],
    ("score", "count"): ["tables", "config"],
    ("score", "score"): ["model_dir", "tables", "config"],
    ("sample", "write"): ["directory", "size", "seed"],
}
TENSORFLOW_FREE = tuple(name for name in EXPORTS if name not in ("model", "train"))

every_recipe = pytest.mark.parametrize("name", recipes.names())


def loaded_by(*modules: str) -> set[str]:
    """Top-level names of what a fresh interpreter has loaded after importing these modules."""
    code = (
        "import sys, json\nbefore = set(sys.modules)\nimport importlib\n"
        f"for name in {list(modules)!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({each.partition('.')[0] for each in set(sys.modules) - before})))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@every_recipe
def test_the_folder_is_complete(name):
    folder = ROOT / "recipes" / name
    expected = {"__init__.py", "README.md", *(f"{module}.py" for module in EXPORTS)}
    assert expected <= {path.name for path in folder.iterdir()}
    for module, names in EXPORTS.items():
        found = recipes.module(name, module)
        assert found.__doc__, f"{module}.py has no docstring"
        for export in names:
            assert hasattr(found, export), f"{module}.py lacks {export}"
            if (module, export) in PARAMETERS:
                assert list(inspect.signature(getattr(found, export)).parameters) == PARAMETERS[module, export]


@every_recipe
def test_the_configuration_needs_the_standard_library_only(name):
    foreign = loaded_by(f"recipes.{name}.config") - set(sys.stdlib_module_names)
    assert foreign <= {"recipes", "trainyard"}


@every_recipe
def test_what_runs_outside_the_training_image_never_loads_tensorflow(name):
    loaded = loaded_by(*(f"recipes.{name}.{module}" for module in TENSORFLOW_FREE))
    assert not loaded & {"tensorflow", "keras", "torch", "jax"}


@every_recipe
def test_the_configuration_is_sound(name):
    config = recipes.config(name)
    assert isinstance(config, RecipeConfig)
    assert recipes.config(name, json.loads(json.dumps(to_mapping(config)))) == config
    sources = recipes.sources(name, config)
    assert sources
    assert all(isinstance(each, Source) for each in sources)
    assert all(set(each.unique) <= {column.name for column in each.columns} for each in sources)
    parameters = to_mapping(config.hyperparameters)
    assert set(config.tuning.ranges) <= set(parameters)
    assert "validation" in config.tuning.objective


def contract_of(name):
    """What the recipe's own tests say about a quick run."""
    module = f"tests.recipes.{name}.contract"
    present = (ROOT / "tests" / "recipes" / name / "contract.py").is_file()
    found = importlib.import_module(module) if present else None
    return SimpleNamespace(
        size=getattr(found, "SIZE", 2000),
        changes=getattr(found, "CHANGES", {}),
        requests=getattr(found, "requests", lambda _model_dir: []),
        evaluated=getattr(found, "evaluated", lambda _model_dir, _holdout: ([], [])),
    )


def made(root, *names):
    for each in names:
        (root / each).mkdir(parents=True)
    return [root / each for each in names]


@every_recipe
def test_a_run_from_sample_to_served_answers(name, tmp_path, capsys):
    """One walk, because each stage eats what the one before it wrote."""
    pytest.importorskip("tensorflow")
    contract = contract_of(name)
    config = recipes.config(name, contract.changes)
    raw, prepared, model_dir, checkpoints, outputs = made(tmp_path, "raw", "prepare", "model", "checkpoints", "report")
    recipes.module(name, "sample").write(raw, size=contract.size, seed=1)
    _prepare(name, raw, prepared, config)

    process = made(tmp_path, *(f"process/{each}" for each in ("train", "validation", "holdout", "features")))
    figures = recipes.module(name, "process").process(prepared, tmp_path / "process", config=config)
    assert figures
    assert all(np.isfinite(value) for value in figures.values())

    train, validation, holdout, features = process
    channels = {"train": train, "validation": validation, "features": features}
    capsys.readouterr()
    metrics = recipes.module(name, "train").train(channels, model_dir, checkpoints=checkpoints, config=config)
    printed = capsys.readouterr().out
    assert config.tuning.objective in metrics
    assert f"{config.tuning.objective}=" in printed
    assert "progress=" in printed
    assert all(np.isfinite(value) for value in metrics.values())
    if (model_dir / curves.CURVES_FILE).is_file():
        for metric, values in curves.read(model_dir).items():
            assert printed.count(f"\n{metric}=") + printed.startswith(f"{metric}=") >= len(values) > 0

    evaluate = recipes.module(name, "evaluate")
    found = evaluate.evaluate(model_dir, holdout, config=config)
    again = evaluate.evaluate(model_dir, holdout, config=config)
    assert found.metrics == again.metrics
    assert np.array_equal(found.examples, again.examples)
    assert found.statistic(found.examples) == pytest.approx(found.metrics[config.gate.primary])
    needed = {config.gate.primary, *config.gate.minimum, *config.gate.maximum}
    assert needed <= set(found.metrics)
    references = evaluate.references(channels, holdout, config=config)
    assert all(np.isfinite(value) for each in references.values() for value in each.metrics.values())
    compared = {name: each for name, each in references.items() if each.examples is not None}
    assert compared, "nothing simple that the model may not lose to"
    for each in compared.values():
        assert len(each.examples) == len(found.examples if each.rows is None else each.rows)
        assert found.statistic(each.examples) == pytest.approx(each.metrics[config.gate.primary])

    inputs = ReportInputs(model=model_dir, prepare=prepared, process=tmp_path / "process")
    sections = recipes.module(name, "report").report(inputs, outputs, config=config)
    assert sections
    assert all(isinstance(each, Section) for each in sections)
    assert "<html" in render(title=config.title, facts={}, sections=sections)

    serve = recipes.module(name, "serve")
    requests = contract.requests(model_dir)
    answers = serve.load(model_dir).predict(requests)
    assert len(answers) == len(requests)
    assert serve.load(model_dir).predict(requests) == answers
    json.dumps(answers, allow_nan=False)

    check_service(name, model_dir, contract.evaluated(model_dir, holdout))
    check_scoring(name, raw, model_dir, tmp_path, config)


def _prepare(name, raw, prepared, config):
    prepare = recipes.module(name, "prepare")
    tables = _ingested(name, raw, config)
    quality = prepare.check(tables, config)
    assert quality.ok, quality.problems
    for table, rows in prepare.prepare(tables, config).items():
        (prepared / table).mkdir()
        rows.to_parquet(prepared / table / "part-00000.parquet")


def _ingested(name, raw, config):
    """The recipe's tables: read from its files, or by its own `ingest` from the database that its sample is."""
    sources = recipes.sources(name, config)
    databases = [
        each for each in sorted(raw.iterdir()) for s in sources if s.format == "sqlite" and s.accepts(each.name)
    ]
    if not databases:
        return read_sources(ibis.duckdb.connect(), raw, sources)
    scratch, tables = made(raw.parent, "scratch", "ingest")
    with database.open_sqlite(databases[0], databases[0].name, scratch=scratch) as connection:
        quality = recipes.module(name, "ingest").extract(connection, tables, config=config)
    assert quality.ok, quality.problems
    duckdb = ibis.duckdb.connect()
    return {each.name: duckdb.read_parquet(str(each / "*.parquet")) for each in tables.iterdir() if each.is_dir()}
