"""The worked example of the documentation becomes a recipe by copying its folder: the contract test passes on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example_recipe" / "delivery_time"


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose only recipe is the example."""
    for folder in ("trainyard", "tests/recipes"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py", "recipes/__init__.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    shutil.copytree(EXAMPLE, tmp_path / "recipes" / EXAMPLE.name)
    return tmp_path


def test_the_example_keeps_the_contract(checkout):
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:xdist", "tests/recipes/test_contract.py"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert f"test_a_run_from_sample_to_served_answers[{EXAMPLE.name}] PASSED" in done.stdout


def test_its_model_finds_the_planted_coefficients(checkout, tmp_path):
    script = """
import pathlib, sys, ibis
from trainyard.run import recipe
from tests.recipes.tables import read_sources
root = pathlib.Path(sys.argv[1]); config = recipe.config("delivery_time")
folders = {n: root / n for n in ("raw", "prepared", "train", "validation", "holdout", "features", "model")}
for folder in folders.values(): folder.mkdir()
module = lambda name: recipe.module("delivery_time", name)
truth = module("sample").write(folders["raw"], size=5000, seed=3)
tables = read_sources(ibis.duckdb.connect(), folders["raw"], recipe.sources("delivery_time", config))
for name, rows in module("prepare").prepare(tables, config).items():
    (folders["prepared"] / name).mkdir(); rows.to_parquet(folders["prepared"] / name / "part.parquet")
module("process").process(folders["prepared"], root, config=config)
channels = {n: folders[n] for n in ("train", "validation", "features")}
module("train").train(channels, folders["model"], checkpoints=root, config=config)
predict = module("serve").load(folders["model"]).predict
near, far = (predict([{"distance_km": km, "items": 2}])[0]["prediction"] for km in (1, 2))
assert abs(far - near - truth["per_km"]) < 0.2, (near, far)
assert abs(near - truth["start"] - truth["per_km"] - 2 * truth["per_item"]) < 0.5, near
"""
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run([sys.executable, "-c", script, str(work)], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
