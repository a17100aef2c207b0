"""Recipes that are installed beside this project: the files they are deployed as, and a sentence where they cannot be.

Runs during synthesis. In the cloud nothing is installed, so their packages are copied beside this project's own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator, Mapping, Set
from pathlib import Path

from infra import extra_requirements
from trainyard.errors import ConfigError
from trainyard.run import recipe, recipe_packages

LIST = f"{recipe_packages.PACKAGE}/{recipe_packages.DEPLOYED}.py"
LIST_TEXT = '"""The packages of the recipes from outside that are deployed here, by the names of the recipes."""\n\n'
REQUIREMENTS = f"{recipe_packages.PACKAGE}/requirements.txt"


def files(*, reserved: Set[str], locks: Collection[Path]) -> Mapping[str, Path | str]:
    """What is deployed for them, by the path it will have: a file, or the text of one; the list of them always is.

    `reserved` are names that no package of theirs may have, `locks` what the images install. Raises ConfigError or
    BadRequest for a recipe that cannot be loaded, whose name another one has, or that needs what images do not have.
    """
    packages = {name: recipe_packages.package(name) for name in sorted(recipe_packages.offers())}
    for name in packages:
        recipe.config(name)
    roots = dict(_root(each) for each in packages.values())
    if taken := sorted(reserved & {each.partition(".")[0] for each in roots}):
        raise ConfigError([f"Expected recipes in packages of other names than {', '.join(taken)}; rename them."])
    distributions = sorted({offer.distribution for each in recipe_packages.offers().values() for offer in each})
    return {
        **{path: file for name, folder in sorted(roots.items()) for path, file in _below(name, folder)},
        LIST: f"{LIST_TEXT}PACKAGES = {packages!r}\n",
        REQUIREMENTS: extra_requirements.text(distributions, folders=list(roots.values()), locks=locks),
    }


def _root(package: str) -> tuple[str, Path]:
    """The outermost package that is one distribution's alone, with its folder: modules of a recipe import from it.

    Several distributions may share a package without an `__init__.py`.
    """
    parts = package.split(".")
    outermost_first = [".".join(parts[: count + 1]) for count in range(len(parts))]
    specs = [importlib.util.find_spec(each) for each in outermost_first]
    found = next((each for each in specs if each and each.origin), specs[-1])
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            [f"Expected a package {package} with the modules of a recipe, found none; see docs/recipes.md."]
        )
    return found.name, Path(next(iter(found.submodule_search_locations)))


def _below(package: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a package, data too; documents change nothing where it runs."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in relative.parts and path.suffix != ".md":
            yield f"{package.replace('.', '/')}/{relative.as_posix()}", path
