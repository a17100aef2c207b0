"""Finds the modules that a tabular recipe brings itself; runs wherever its configuration is known."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from trainyard.contract.tabular.config import TabularConfig


def package_of(config: TabularConfig) -> str:
    """The package that the recipe's own configuration is in, such as `recipes.churn`."""
    return type(config).__module__.rpartition(".")[0]


def own(package: str, name: str) -> ModuleType:
    """Module `name` of a recipe's package, or the shared one where it has none of that name."""
    for where in (package, __package__):
        if importlib.util.find_spec(f"{where}.{name}"):
            return importlib.import_module(f"{where}.{name}")
    raise ImportError(f"expected {name}.py in {package}, found none; see docs/recipes.md")
