"""Writes the package that recipes of one's own live in, outside of this project; runs on a laptop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trainyard.client.recipe.new_recipe import rendered
from trainyard.errors import BadRequest
from trainyard.run.recipe_packages import GROUP, is_name

KIND = "package"
HEADER = f'[project.entry-points."{GROUP}"]'
Write = Callable[[Path], list[Path]]


def add_recipe(name: str, folder: Path, *, write: Write) -> list[Path]:
    """Let `write` make the recipe in the package whose project is in `folder`, and offer it; returns the files.

    The project is made where there is none. Raises BadRequest for a folder whose name cannot be a package's, and for a
    project without the entry points that offer recipes.
    """
    package = _package(folder)
    project = folder / "pyproject.toml"
    entry = f'{name} = "{package}.{name}"'
    if project.is_file() and HEADER not in project.read_text(encoding="utf-8").splitlines():
        raise BadRequest(
            f"Expected a line {HEADER} in {project}, found none; add it, for that is how recipes are found."
        )
    texts = rendered(
        KIND,
        {"name": name, "package": package, "distribution": package.replace("_", "-"), "header": HEADER, "entry": entry},
    )
    written = write(folder / package)
    if project.is_file():
        text = project.read_text(encoding="utf-8")
        texts["pyproject.toml"] = text.replace(f"{HEADER}\n", f"{HEADER}\n{entry}\n", 1)
    files = {project: "pyproject.toml", folder / "tests" / f"test_{name}.py": "test_recipe.py"}
    once = {folder / "README.md": "README.md", folder / package / "__init__.py": "__init__.py"}
    files |= {path: template for path, template in once.items() if not path.is_file()}
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[template], encoding="utf-8")
    return [*files, *written]


def _package(folder: Path) -> str:
    """The package is called as the folder of its project is."""
    name = folder.resolve().name.replace("-", "_")
    if not is_name(name):
        raise BadRequest(
            f"Expected a folder to be called in lower case letters, digits and single hyphens, such as acme-recipes, "
            f"found {folder.resolve().name!r:.60}; choose another."
        )
    return name
