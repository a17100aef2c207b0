"""Distributions that offer recipes, laid out as pip leaves them: for tests of what is found, refused and deployed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from trainyard.run import recipe_packages

CONFIG = '''"""What a run can be told."""

from trainyard.contract.config import Gate, RecipeConfig, ScoreColumn, TableData, Tuning
from trainyard.contract.sources import Column, Source

from acme_plain.settings import Hyperparameters

CONFIG = RecipeConfig(
    title="Plain",
    data=TableData(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(objective="validation_loss", direction="Minimize", ranges={}),
    gate=Gate(primary="negative_loss"),
)
SCORES = (ScoreColumn(name="id", type="string", comment="of the file", spread=False),)


def sources(config):
    return (Source(name="rows", files=("rows",), columns=(Column(name="id", type="id"),), unique=("id",)),)
'''
SETTINGS = '''"""Settings of every recipe of this package."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """None."""
'''
# A package with one recipe that imports from beside it, data and a document.
PLAIN = {
    "acme_plain/__init__.py": "",
    "acme_plain/settings.py": SETTINGS,
    "acme_plain/words/stop.csv": "the\n",
    "acme_plain/README.md": "About.\n",
    "acme_plain/plain/__init__.py": "",
    "acme_plain/plain/config.py": CONFIG,
}


def install(
    site: Path,
    name: str,
    *,
    files: Mapping[str, str],
    entry_points: Mapping[str, str],
    requires: tuple[str, ...] = (),
    group: str = recipe_packages.GROUP,
) -> None:
    """A distribution `name` 1.0 in the folder `site`, which has to be on Python's path."""
    described = site / f"{name.replace('-', '_')}-1.0.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    offered = "".join(f"{recipe} = {package}\n" for recipe, package in entry_points.items())
    texts = {
        **{site / path: text for path, text in files.items()},
        described / "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}",
        described / "entry_points.txt": f"[{group}]\n{offered}",
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed is read anew."""
    monkeypatch.setattr(recipe_packages, "_installed", recipe_packages._installed.__wrapped__)
