"""Says which package each recipe is: a folder of `recipes`, or what an installed distribution offers by an entry point.

In the cloud nothing is installed: what is deployed has a list of the packages that it was synthesized with.
"""

from __future__ import annotations

import importlib
import importlib.util
import keyword
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from trainyard.contract.config import RecipeConfig
from trainyard.errors import BadRequest

PACKAGE = "recipes"
GROUP = "trainyard.recipes"
# Beside the folders of recipes, in what is deployed only.
DEPLOYED = "deployed"
# Names of models, groups and endpoints hold it, and have an end.
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 30
NAME_RULE = f"at most {LONGEST} lower case letters, digits and single underscores, such as late_deliveries"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A package that an installed distribution offers as a recipe."""

    package: str
    distribution: str
    version: str = ""

    @property
    def source(self) -> str:
        """What people install and uninstall, such as `acme-recipes 1.2`."""
        return f"{self.distribution} {self.version}".rstrip()


def names() -> tuple[str, ...]:
    """The recipes there are by their names, sorted; whether they can be loaded is not asked."""
    return tuple(sorted({*_own(), *offers()}))


def offers() -> Mapping[str, tuple[Offer, ...]]:
    """What is offered under each name from outside of this project: one package, or several that exclude each other."""
    if importlib.util.find_spec(f"{PACKAGE}.{DEPLOYED}"):
        packages: Mapping[str, str] = importlib.import_module(f"{PACKAGE}.{DEPLOYED}").PACKAGES
        return {name: (Offer(package=each, distribution="this deployment"),) for name, each in packages.items()}
    return _installed()


def package(name: str) -> str:
    """The package of a recipe that `names` has.

    Raises BadRequest where several are called so, and where the name cannot be that of a recipe.
    """
    offered = offers().get(name, ())
    if not offered:
        return f"{PACKAGE}.{name}"
    places = [*([f"the folder {PACKAGE}/{name}"] if name in _own() else []), *(each.source for each in offered)]
    if len(places) > 1:
        raise BadRequest(f"Expected one recipe {name}, found {' and '.join(places)}; rename one, or uninstall it.")
    if not is_name(name):
        raise BadRequest(f"Expected a recipe's name of {NAME_RULE}; found {name!r:.60} in {places[0]}.")
    return offered[0].package


def configuration(name: str) -> ModuleType:
    """The module `config` of a recipe.

    What is wrong with a package from outside is said in a BadRequest that names it; a folder of this project fails as
    it does.
    """
    found = loaded(name, f"{package(name)}.config")
    if name in offers():
        _require_sound(name, found)
    return found


def folder(name: str) -> Path:
    """Where the files of a recipe are. Raises BadRequest where a package from outside is none."""
    found = loaded(name, package(name))
    if not hasattr(found, "__path__"):
        raise BadRequest(_broken(name, "a module in place of a package"))
    return Path(next(iter(found.__path__)))


def loaded(name: str, module: str) -> ModuleType:
    """A module of a recipe. Raises BadRequest where that of a package from outside cannot be imported."""
    if name not in offers():
        return importlib.import_module(module)
    try:
        return importlib.import_module(module)
    # A module may end the program that imports it, and others must go on.
    except (Exception, SystemExit) as error:
        raise BadRequest(_broken(name, f"{type(error).__name__}: {error}".rstrip(": "), module=module)) from error


def _require_sound(name: str, module: ModuleType) -> None:
    """What is listed and deployed with the others has the configuration that they all have."""
    if not isinstance(getattr(module, "CONFIG", None), RecipeConfig):
        raise BadRequest(_broken(name, "no CONFIG in its config that is a RecipeConfig"))
    if lacking := [each for each in ("SCORES", "sources") if not hasattr(module, each)]:
        raise BadRequest(_broken(name, f"no {' and no '.join(lacking)} in its config"))
    try:
        module.sources(module.CONFIG)
    except Exception as error:
        found = f"{type(error).__name__}: {error} when its sources are asked for"
        raise BadRequest(_broken(name, found)) from error


def own_folder() -> Path:
    """Where the recipes of this project are."""
    return Path(next(iter(importlib.import_module(PACKAGE).__path__)))


def is_name(text: str) -> bool:
    """Whether a recipe can be called so."""
    return NAME.fullmatch(text) is not None and len(text) <= LONGEST and not keyword.iskeyword(text)


def _broken(name: str, found: str, *, module: str = "") -> str:
    (offer,) = offers()[name]
    return (
        f"Expected to load the recipe {name} of {offer.source} from {module or offer.package or 'nothing'}, "
        f"found {found}. "
        "Fix that package, or uninstall it."
    )


def _own() -> tuple[str, ...]:
    """Every folder in `recipes/` with a module inside."""
    return tuple(each.name for each in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__) if each.ispkg)


@cache
def _installed() -> Mapping[str, tuple[Offer, ...]]:
    """Read once: it takes 30 ms to look through all that is installed."""
    # Here, for functions load this module as they start, and never come here.
    import importlib.metadata

    found: dict[str, list[Offer]] = {}
    for each in importlib.metadata.entry_points(group=GROUP):
        if each.dist is not None:
            offer = Offer(package=each.value, distribution=each.dist.name, version=each.dist.version)
            found.setdefault(each.name, []).append(offer)
    return {name: tuple(each) for name, each in found.items()}
