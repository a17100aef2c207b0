"""`new`, `check-recipe` and `try` make a working recipe of a table, and say what is wrong where one does not work."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pandas as pd
import pyarrow.parquet as pq
import pytest

import recipes
from tests.recipes import tabular_table
from trainyard.cli.main import main
from trainyard.client import project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of recipes with nothing in it, in the place of the project's, and a state directory of its own."""
    empty = tmp_path / "recipes"
    empty.mkdir()
    (empty / "__init__.py").touch()
    monkeypatch.setattr(recipes, "__path__", [str(empty)])
    monkeypatch.setenv(project.STATE_VARIABLE, str(tmp_path / "state"))
    known = set(sys.modules)
    yield empty
    for name in set(sys.modules) - known:
        if name.startswith("recipes."):
            del sys.modules[name]
            vars(recipes).pop(name.split(".")[1], None)


def data(tmp_path: Path, target: str, **settings: int) -> tuple[Path, pd.DataFrame]:
    """A folder with a table, and the table."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data", tabular_table.write(tmp_path / "data" / "customers.csv", target, **settings)


def ran(*words: str) -> int:
    importlib.invalidate_caches()
    return main([str(each) for each in words])


@pytest.mark.parametrize("target", ["churned", "revenue"])
def test_a_table_becomes_a_recipe_that_keeps_the_contract_and_trains(
    target: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, table = data(tmp_path, target)
    assert ran("new", "mine", "--from", files / "customers.csv", "--target", target) == 0
    told = capsys.readouterr().out
    assert f"a {tabular_table.TARGETS[target]} of {target}, held out by customer_id" in told
    assert "country is left out" in told
    assert "note is left out" in told
    written = [(folder / "mine" / each).read_text(encoding="utf-8") for each in ("config.py", "model.py")]
    assert sum(len(each.splitlines()) for each in written) < 65

    assert ran("check-recipe", "mine", "--size", "400") == 0, capsys.readouterr().out
    capsys.readouterr()
    assert ran("try", "mine", "--data", files) == 0
    assert "The model passed the gate." in capsys.readouterr().out
    results = tmp_path / "state" / "tries" / "mine" / "latest"
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert all(each in page for each in ("What matters", *(["Errors"] if target == "revenue" else ["Calibration"])))
    check_answers(results, table, target)


def check_answers(results: Path, table: pd.DataFrame, target: str) -> None:
    """Bulk scoring has a row for each row, and the service answers the same of the columns that requests have."""
    scored = pq.read_table(results / "score" / "rows").to_pandas()
    assert scored["customer_id"].tolist() == table["customer_id"].tolist()
    serve = importlib.import_module("trainyard.contract.tabular.serve")
    rows = json.loads(
        table.head(50)[["plan", "age", "monthly spend", "since"]].to_json(orient="records", date_format="iso")
    )
    active = [{"active": each == "yes"} for each in table["active"].head(50)]
    answers = serve.load(results / "train" / "model").predict([a | b for a, b in zip(rows, active, strict=True)])
    if target == "revenue":
        assert [each["prediction"] for each in answers] == pytest.approx(scored[f"{target}_predicted"][:50].tolist())
    else:
        told = [each["probabilities"]["true"] for each in answers]
        assert told == pytest.approx(scored[f"{target}_probability"][:50].tolist())


def test_one_stage_runs_again_on_what_the_others_left(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, _ = data(tmp_path, "segment")
    assert ran("new", "mine", "--from", files / "customers.csv", "--target", "segment") == 0
    assert ran("try", "mine", "--data", files, "--stage", "process") == 0
    capsys.readouterr()
    model = folder / "mine" / "model.py"
    text = model.read_text(encoding="utf-8")
    model.write_text(
        text.replace("    trees =", '    raise LookupError("no such tree")\n    trees ='), encoding="utf-8"
    )
    assert ran("try", "mine", "--data", files, "--stage", "train") == 1
    told = capsys.readouterr().err
    assert "○ train" in told
    assert "○ process" not in told
    assert 'raise LookupError("no such tree")' in told
    assert f'File "{model}"' in told
    assert ran("try", "mine", "--data", files, "--stage", "sing") == 2


def test_the_debugger_opens_where_a_stage_fails(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, _ = data(tmp_path, "churned", rows=300)
    assert ran("new", "mine", "--from", files / "customers.csv", "--target", "churned") == 0
    (folder / "mine" / "prepare.py").write_text('"""Fails."""\ncheck = None\n', encoding="utf-8")
    opened: list[TracebackType] = []
    monkeypatch.setattr("pdb.post_mortem", opened.append)
    assert ran("try", "mine", "--data", files, "--debugger") == 1
    assert "ingest.py" in traceback.extract_tb(opened[0])[-1].filename


def test_an_empty_recipe_is_complete_and_says_what_comes_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("new", "mine") == 0
    capsys.readouterr()
    assert ran("check-recipe", "mine", "--json") == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem.startswith("sample.py, line ")
    assert "write write()" in problem
    assert ran("new", "mine") == 2


def test_what_is_written_is_clean(folder: Path, tmp_path: Path) -> None:
    files, _ = data(tmp_path, "revenue", rows=200)
    assert ran("new", "numbers", "--from", files / "customers.csv", "--target", "revenue", "--key", "plan") == 0
    assert ran("new", "empty") == 0
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "recipes"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_a_package_of_ones_own_has_all_that_is_installed_and_takes_more_recipes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, _ = data(tmp_path, "churned", rows=300)
    own = tmp_path / "acme-recipes"
    table = ("--from", files / "customers.csv", "--target", "churned", "--package", own)
    assert ran("new", "mine", *table) == 0
    assert f"pip install -e {own}, then trainyard check-recipe mine" in capsys.readouterr().out
    (own / "README.md").write_text("About us.", encoding="utf-8")
    assert ran("new", "yours", "--package", own) == 0
    assert not list(folder.glob("*mine*"))
    described = tomllib.loads((own / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    offered = {"mine": "acme_recipes.mine", "yours": "acme_recipes.yours"}
    assert described["name"] == "acme-recipes"
    assert described["entry-points"]["trainyard.recipes"] == offered
    assert (own / "README.md").read_text(encoding="utf-8") == "About us."
    assert {each.name for each in (own / "tests").iterdir()} == {"test_mine.py", "test_yours.py"}
    for command in (["check", "--select=E,F,I"], ["format", "--check"]):
        options = ("--isolated", "--line-length=120")
        done = subprocess.run([sys.executable, "-m", "ruff", *command, *options, own], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("package", "project", "sentence"),
    [
        ("Acme", "", "lower case letters"),
        ("acme", "[project]\nname = 'acme'\n", "Expected a line [project.entry-points"),
    ],
)
def test_a_package_that_cannot_offer_a_recipe_is_refused(
    package: str, project: str, sentence: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / package).mkdir()
    if project:
        (tmp_path / package / "pyproject.toml").write_text(project, encoding="utf-8")
    assert ran("new", "mine", "--package", tmp_path / package) == 2
    assert sentence in capsys.readouterr().err
    assert [each.name for each in (tmp_path / package).iterdir()] == (["pyproject.toml"] if project else [])


def test_without_a_clone_a_recipe_needs_a_package(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "is_checkout", lambda: False)
    assert ran("new", "mine") == 2
    assert "Expected --package" in capsys.readouterr().err


def test_names_that_people_give_columns_stay_what_they_are(folder: Path, tmp_path: Path) -> None:
    names = ["a \"b\" 'c'", "x\\n{{ 1 }}", 'end"""', "| täble `code` |"]
    rows = pd.DataFrame({name: range(40) for name in names} | {"y y": [0.5, 1.5] * 20})
    rows.to_csv(tmp_path / "My rows.csv", index=False)
    assert ran("new", "mine", "--from", tmp_path / "My rows.csv", "--target", "Y_Y", "--task", "regression") == 0
    table = importlib.import_module("recipes.mine.config").TABLE
    assert [each.name for each in table.features] == names
    assert (table.name, table.files, table.target, table.key) == ("my_rows", ("My rows",), "y y", "row")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--target", "chrned"], 2, "Did you mean churned?"),
        (["--target", "note"], 3, "at most 100 classes in note"),
        (["--target", "country"], 3, "different values of country"),
        (["--target", "plan", "--task", "regression"], 3, "numbers in plan"),
        (["--target", "churned", "--task", "clustering"], 2, "classification or regression"),
        ([], 2, "Expected --target"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(
    words: list[str], code: int, sentence: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, _ = data(tmp_path, "churned", rows=300)
    assert ran("new", "mine", "--from", files / "customers.csv", *words) == code
    assert sentence in capsys.readouterr().err
    assert not (folder / "mine").exists()


@pytest.mark.parametrize("name", ["Mine", "my-recipe", "a__b", "class", "x" * 31, "../x"])
def test_a_name_that_cannot_be_one_is_refused(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("new", name) == 2
    assert "late_deliveries" in capsys.readouterr().err
    assert [each.name for each in folder.iterdir()] == ["__init__.py"]


@pytest.mark.parametrize("names", ["id,a,a,y", "id,A,a,y"])
def test_names_that_are_there_twice_are_refused(
    names: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading would give the second one a name that files do not have."""
    rows = "".join(f"{number},{number % 7},{number % 5},{number % 2}\n" for number in range(60))
    (tmp_path / "rows.csv").write_text(f"{names}\n{rows}", encoding="utf-8")
    assert ran("new", "mine", "--from", tmp_path / "rows.csv", "--target", "y") == 3
    assert "rename all but one of them" in capsys.readouterr().err


def test_the_place_of_a_row_is_called_as_no_column_is(folder: Path, tmp_path: Path) -> None:
    pd.DataFrame({"Row": [1, 2] * 30, "a": range(60), "y": [0, 1] * 30}).to_csv(tmp_path / "rows.csv", index=False)
    assert ran("new", "mine", "--from", tmp_path / "rows.csv", "--target", "y") == 0
    table = importlib.import_module("recipes.mine.config").TABLE
    assert table.key == "row_2"
    assert [each.name for each in table.features] == ["Row", "a"]
