"""Recipes of installed distributions are found by their entry points; one that is broken is named, and others work."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tests import outside
from trainyard.cli.command import completion
from trainyard.cli.main import main
from trainyard.errors import BadRequest
from trainyard.run import recipe, recipe_packages

OWN = ("headline_classifier", "neural_topic_model", "prod2vec", "propensity", "two_tower")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, with one that offers the recipe `plain`."""
    outside.install(tmp_path, "acme-plain", files=outside.PLAIN, entry_points={"plain": "acme_plain.plain"})
    monkeypatch.syspath_prepend(tmp_path)
    outside.forget(monkeypatch)
    yield tmp_path
    for name in [each for each in sys.modules if each.startswith("acme_")]:
        del sys.modules[name]


def test_a_recipe_that_is_installed_is_one_of_the_recipes(site: Path) -> None:
    assert recipe.names() == tuple(sorted((*OWN, "plain")))
    assert recipe.config("plain").title == "Plain"
    assert recipe_packages.package("plain") == "acme_plain.plain"
    assert recipe_packages.folder("plain") == site / "acme_plain" / "plain"
    assert recipe_packages.package("prod2vec") == "recipes.prod2vec"
    assert ("plain", "Plain") in completion.recipes("pl")
    with pytest.raises(BadRequest, match=r"Did you mean plain\?"):
        recipe.config("plane")


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("x =\n", "SyntaxError"),
        ("x = 1\n", "no CONFIG in its config"),
        ("CONFIG = {}\n", "no CONFIG in its config that is a RecipeConfig"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("from acme_plain.plain.config import CONFIG, SCORES\n", "no sources in its config"),
        (
            "from acme_plain.plain.config import CONFIG, SCORES\n\n\ndef sources(config):\n    return config.none\n",
            "AttributeError: .* when its sources are asked for",
        ),
        (None, "ModuleNotFoundError"),
    ],
)
def test_what_is_wrong_with_a_package_is_said(config: str | None, found: str, site: Path) -> None:
    offer_broken(site, config)
    with pytest.raises(
        BadRequest, match=f"the recipe broken of acme-broken 1.0 from acme_broken(.config)?, found .*{found}"
    ):
        recipe.config("broken")
    assert recipe.config("plain").title


@pytest.mark.parametrize("config", ["import no_such_module\n", "CONFIG = {}\n", "raise SystemExit(3)\n"])
def test_commands_name_a_broken_package_and_list_the_others(
    config: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offer_broken(site, config)
    assert main(["recipes"]) == 0
    told = capsys.readouterr()
    assert "Plain" in told.out
    assert "acme-broken 1.0" in told.err
    assert {("plain", "Plain"), ("broken", "")} <= set(completion.recipes(""))
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    context.params = {"recipe_name": "broken"}
    assert completion.settings(context, "") == []
    assert main(["check-recipe", "broken"]) == 1
    assert "Fix that package, or uninstall it." in capsys.readouterr().out


def test_a_module_that_cannot_be_imported_is_one_sentence(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offer_broken(site, "from acme_plain.plain.config import CONFIG, SCORES, sources\n")
    (site / "acme_broken" / "sample.py").write_text("import no_such_module\n", encoding="utf-8")
    assert main(["sample", "broken", "--out", str(tmp_path / "out")]) == 2
    assert "from acme_broken.sample, found ModuleNotFoundError" in capsys.readouterr().err


def test_a_package_that_is_not_there_is_one_sentence(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.install(site, "acme-gone", files={}, entry_points={"gone": "acme_gone.gone"})
    assert main(["sample", "gone", "--out", str(tmp_path / "out")]) == 2
    assert "the recipe gone of acme-gone 1.0" in capsys.readouterr().err


def offer_broken(site: Path, config: str | None) -> None:
    files = {"acme_broken/__init__.py": ""} | ({"acme_broken/config.py": config} if config else {})
    outside.install(site, "acme-broken", files=files, entry_points={"broken": "acme_broken"})
    importlib.invalidate_caches()


@pytest.mark.parametrize("name", ["plain", "prod2vec"])
def test_two_recipes_of_one_name_are_refused_and_the_others_work(name: str, site: Path) -> None:
    outside.install(site, "acme-other", files={}, entry_points={name: "acme_other"})
    with pytest.raises(BadRequest, match=rf"Expected one recipe {name}, found .* and .*; rename one"):
        recipe.config(name)
    assert name in recipe.names()
    assert recipe.config("two_tower").title


def test_a_name_that_models_could_not_have_is_refused(site: Path) -> None:
    outside.install(site, "acme-other", files={}, entry_points={"My-Recipe": "acme_other"})
    with pytest.raises(BadRequest, match="lower case letters"):
        recipe_packages.package("My-Recipe")


def test_what_is_deployed_knows_its_own_list_alone(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a laptop, functions and jobs run where packages are installed that were never deployed."""
    deployed = site / "deployed" / "recipes"
    deployed.mkdir(parents=True)
    (deployed / "__init__.py").touch()
    (deployed / "deployed.py").write_text("PACKAGES = {'later': 'acme_plain.plain'}\n", encoding="utf-8")
    recipes = importlib.import_module("recipes")
    monkeypatch.setattr(recipes, "__path__", [str(deployed)])
    importlib.invalidate_caches()
    try:
        assert recipe.names() == ("later",)
        assert recipe.config("later").title == "Plain"
    finally:
        sys.modules.pop("recipes.deployed", None)
        vars(recipes).pop("deployed", None)
