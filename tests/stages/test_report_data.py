"""The page says how files were read and what was left out of them."""

from __future__ import annotations

import dataclasses
import types

import numpy as np
import pytest

from recipes.prod2vec.config import CONFIG
from trainyard.contract.config import to_mapping
from trainyard.contract.report import ReportInputs
from trainyard.contract.training import curves
from trainyard.run import recipe as recipes
from trainyard.run.documents import PrepareSummary
from trainyard.run.model_archive import ModelCard
from trainyard.run.reuse import Reuse
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage
from trainyard.stages.process import FIGURES_FILE
from trainyard.stages.report import report
from trainyard.stages.report.page import render
from trainyard.stages.report.report import data_sections
from trainyard.stages.train import libraries


def a_run(config):
    return Run(
        recipe="prod2vec",
        run_id="20261120-120000-abcdef12",
        dataset="mine",
        execution_arn="arn",
        raw_bucket="raw",
        artifacts_bucket="artifacts",
        fingerprint="f",
        code_version="c",
        files=(),
        config=config,
    )


def test_the_data_section_says_which_stages_another_run_had_made(tmp_path):
    PrepareSummary(engine="duckdb", rows={"ratings": 3}).write(tmp_path)
    [section] = data_sections(tmp_path, tmp_path, reuse=Reuse(start=Stage.TRAIN, reused={"ingest": "r0"}))
    assert ("ingest reused from run r0",) in [row for table in section.tables for row in table.rows]


def test_what_ingest_said_of_the_files_is_on_the_page(tmp_path):
    said = PrepareSummary(
        engine="duckdb",
        rows={"ratings": 3},
        warnings=("ratings.csv, line 3,001: left out: expected 4 fields",),
        notes=("ratings.csv: read as semicolon, cp1252.",),
        figures={"uploaded_ratings": 4.0, "without_rating": 1.0},
    )
    (tmp_path / PrepareSummary.FILE).write_text(said.to_json())
    (tmp_path / FIGURES_FILE).write_text('{"train_ratings": 2.0, "holdout_ratings": 1.0}')
    sections = data_sections(tmp_path, tmp_path)
    assert [("uploaded ratings", 4), ("without rating", 1)] in [each.rows for each in sections[0].tables]
    assert [("train ratings", 2), ("holdout ratings", 1)] in [each.rows for each in sections[0].tables]
    page = render(title="Films", facts={}, sections=sections)
    assert "ratings.csv, line 3,001: left out" in page
    assert "read as semicolon, cp1252" in page


def test_nothing_is_said_where_there_is_nothing_to_say(tmp_path):
    assert data_sections(tmp_path, tmp_path) == ()
    (tmp_path / PrepareSummary.FILE).write_text('{"engine": "duckdb", "rows": {"ratings": 3}}')
    (section,) = data_sections(tmp_path, tmp_path)
    assert section.text == ""
    assert [each.rows for each in section.tables] == [[("ratings", 3)]]


def test_the_curves_of_the_training_lie_beside_the_page(tmp_path, monkeypatch):
    model, output = tmp_path / "model", tmp_path / "report"
    for folder in (model, output):
        folder.mkdir()
    curves.write({"loss": [2.0, 1.0]}, model)
    silent = types.SimpleNamespace(CONFIG=CONFIG, report=lambda *_, **__: ())
    monkeypatch.setattr(report.recipe, "module", lambda *_: silent)
    monkeypatch.setattr(report, "render", lambda **_: "page")
    ModelCard(recipe="prod2vec", run_id="r", libraries={"numpy": "2.0"}).write(model)
    inputs = ReportInputs(model=model, prepare=tmp_path, process=tmp_path)
    run = a_run({})
    report.report(run, inputs, found=report.Findings(comparison=None, decision=None), output=output)
    assert curves.read(output) == {"loss": [2.0, 1.0]}
    assert curves.parse(["epoch,loss,auc", "1,2,.5", "2,1,"]) == {"loss": [2.0, 1.0], "auc": [0.5]}


def test_what_it_takes_to_make_the_run_again():
    config = to_mapping(CONFIG)
    config["hyperparameters"]["epochs"] = 99
    card = ModelCard(recipe="prod2vec", run_id="r", libraries={"numpy": "2.0"})
    section = report.again(a_run(config), card)
    settings, machines, libraries = section.tables
    assert settings.rows == [("hyperparameters.epochs", "99", str(CONFIG.hyperparameters.epochs))]
    assert libraries.rows == [("numpy", "2.0")]
    assert ("train", "1 x ml.m5.xlarge") in machines.rows
    assert "tune" not in [row[0] for row in machines.rows]
    assert "`trainyard rerun 20261120-120000-abcdef12`" in section.text
    unchanged = report.again(a_run(to_mapping(CONFIG)), card)
    assert [each.caption for each in unchanged.tables] == ["Machines in AWS", "Trained with"]


def test_the_page_calls_files_as_they_are_and_says_when_the_run_began():
    files = (InputFile(source="o", key="raw/order_products__prior.csv", version_id="v1", size=1200),)
    facts = report._facts(dataclasses.replace(a_run(to_mapping(CONFIG)), files=files), CONFIG)
    page = render(title="Products", facts=facts, sections=())
    assert "file order_products__prior.csv" in page
    assert "2026-11-20 12:00:00 UTC" in page


def test_a_model_carries_the_versions_of_what_trained_it():
    found = libraries()
    assert found["numpy"] == np.__version__
    assert found["python"].startswith("3.")


@pytest.mark.parametrize("name", recipes.names())
def test_every_metric_that_a_gate_knows_has_a_meaning(name):
    gate = recipes.config(name).gate
    assert {gate.primary, *gate.minimum, *gate.maximum} <= set(recipes.meanings(name))
