"""Which edits change the code of which stages: by this, stages of earlier runs are reused or computed anew."""

from __future__ import annotations

import ast
import dataclasses
import json
from functools import cache

import pytest

from infra import sources, stage_code
from infra.imports import reached
from recipes.prod2vec import config as prod2vec
from trainyard.run import recipe_packages
from trainyard.run.stage import Stage

RECIPES = ("headline_classifier", "neural_topic_model", "prod2vec", "propensity", "two_tower")


@cache
def deployed() -> dict[str, str]:
    """The text of everything that is deployed, by its path."""
    found = sources._sources(*sources.SHARED, *sources.SHELLS)
    return {
        path: each if isinstance(each, str) else each.read_text(encoding="utf-8")
        for path, each in found.items()
        if path.endswith((".py", ".txt", "Dockerfile"))
    }


@cache
def digests() -> dict[str, dict[str, str]]:
    return json.loads(stage_code.text(deployed()))


def changed(path: str, *, old: str = "", new: str = "# a comment\n") -> set[str]:
    """The stages of recipes, as `recipe/stage`, whose code an edit changes."""
    text = deployed()[path]
    assert old in text
    edited = {**deployed(), path: text.replace(old, new, 1) if old else text + new}
    before, after = digests(), json.loads(stage_code.text(edited))
    return {
        f"{name}/{stage}" for name, stages in before.items() for stage in stages if stages[stage] != after[name][stage]
    }


def test_an_edit_in_another_recipe_or_in_a_later_stage_changes_nothing() -> None:
    assert {each.partition("/")[0] for each in changed("recipes/two_tower/prepare.py")} == {"two_tower"}
    for path in ("recipes/prod2vec/train.py", "trainyard/stages/gate.py", "training_container/train.py"):
        assert changed(path) == set()


def test_an_edit_in_prepare_changes_prepare_and_not_what_ingest_runs_of_it() -> None:
    path = "recipes/prod2vec/prepare.py"
    assert changed(path, old="def prepare(", new="# another way\ndef prepare(") == {"prod2vec/prepare"}
    assert changed(path, old="def check(", new="UNUSED = 1\n\n\ndef check(") == {"prod2vec/ingest", "prod2vec/prepare"}


def test_another_version_of_glue_changes_what_runs_there(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests()["prod2vec"]
    newer = {stage: dataclasses.replace(job, runtime=job.runtime and "6.0") for stage, job in stage_code.JOBS.items()}
    monkeypatch.setattr(stage_code, "JOBS", newer)
    after = json.loads(stage_code.text(deployed()))["prod2vec"]
    assert {stage for stage in before if before[stage] != after[stage]} == {Stage.INGEST, Stage.PREPARE}


def test_an_edit_in_what_a_stage_imports_changes_it() -> None:
    assert changed("recipes/prod2vec/features.py") == {"prod2vec/process"}
    assert changed("recipes/prod2vec/data_problems.py") >= {"prod2vec/ingest"}
    every = {f"{name}/{stage}" for name in RECIPES for stage in ("ingest", "prepare", "process")}
    assert changed("trainyard/run/run.py") >= every
    assert changed("trainyard/reading/read.py") >= {f"{name}/ingest" for name in RECIPES}
    assert not changed("trainyard/reading/read.py") & {f"{name}/process" for name in RECIPES}


def test_what_a_job_installs_belongs_to_its_stages() -> None:
    assert {each.partition("/")[2] for each in changed("glue_jobs/requirements.txt")} == {"ingest", "prepare"}
    assert {each.partition("/")[2] for each in changed("processing_container/requirements.txt")} == {"process"}
    assert changed("training_container/requirements.txt") == set()


def test_of_a_module_counts_what_a_function_reaches() -> None:
    module = "A = one()\ndef check(x):\n    return two(x)\ndef one(): ...\ndef two(x): ...\ndef three(): ...\n"
    assert [each.name for each in ast.parse(reached(module, "check")).body[1:]] == ["check", "one", "two"]
    assert reached(module, "missing") == module


def test_what_is_registered_by_importing_a_module_counts_too() -> None:
    """Nothing names such rules, and yet they are run."""
    module = "RULES = []\ndef rule(f): RULES.append(f)\n@rule\ndef unique(x): return key(x)\ndef key(x): ...\n"
    module += "class Late(Base): ...\ndef check(x): return [each(x) for each in RULES]\ndef other(): ...\n"
    names = [getattr(each, "name", "RULES") for each in ast.parse(reached(module, "check")).body]
    assert names == ["RULES", "rule", "unique", "key", "Late", "check"]
    module = (
        "@dispatch\ndef check(x): ...\n@check.register\ndef _(x: int): one()\n@check.register\ndef _(x: str): ...\n"
    )
    module += "def one(): ...\ndef two(): ...\n"
    assert [each.name for each in ast.parse(reached(module, "check")).body] == ["check", "_", "_", "one"]


def test_a_recipe_from_outside_counts_with_what_it_shares_with_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = deployed()
    monkeypatch.setattr(recipe_packages, "offers", lambda: {"orders": ()})
    monkeypatch.setattr(recipe_packages, "package", lambda name: f"acme.recipes.{name}")
    monkeypatch.setattr(recipe_packages, "configuration", lambda name: prod2vec)
    monkeypatch.setattr(stage_code.recipe, "module_name", lambda name, module: f"acme.recipes.{name}.{module}")
    outside = {
        "acme/recipes/orders/process.py": "",
        "acme/words/stop.txt": "the",
        "acme/words/list.py": "",
        "acme/old.py": "print 1",
        "x/y": "",
    }
    code = stage_code.StageCode({**inside, **outside})
    assert {*outside} & code.paths("orders", Stage.PROCESS) == {*outside} - {"x/y"}


def test_modules_are_loaded_by_name_where_the_digest_knows_of_it_only() -> None:
    """What a stage imports in words is found by its text; a new loader of modules has to be made known to JOBS."""
    loaders = {"import_module", "__import__", "run_module", "run_path", "exec", "eval"}
    known = {
        "glue_jobs/start.py",  # the shell of the stage
        "trainyard/run/recipe.py",  # modules of a recipe: JOBS names them
        "trainyard/run/recipe_packages.py",
        "trainyard/contract/tabular/own_modules.py",  # of recipes with a base: all there are
        "trainyard/glue/engine.py",  # modules of libraries, as in the following
        "trainyard/glue/lean_ibis.py",
        "trainyard/contract/lean/imports.py",
    }
    code = stage_code.StageCode(deployed())
    reachable = {path for name in RECIPES for stage in stage_code.JOBS for path in code.paths(name, stage)}
    names = {
        path: {each.id for each in ast.walk(ast.parse(deployed()[path])) if isinstance(each, ast.Name)}
        | {each.attr for each in ast.walk(ast.parse(deployed()[path])) if isinstance(each, ast.Attribute)}
        for path in reachable
        if path.endswith(".py")
    }
    assert {path for path, found in names.items() if found & loaders} <= known
