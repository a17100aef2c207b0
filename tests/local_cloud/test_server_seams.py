"""Everything the local cloud takes from MiniStack is named in the table that the server checks at its start."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import local_cloud
from local_cloud.seams import SEAMS

SOURCES = sorted(Path(local_cloud.__file__).parent.rglob("*.py"))


def used(source: str) -> Iterator[str]:
    """Dotted names of what a module takes from MiniStack's modules, wherever it imports them."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for name in node.names:
                path = f"{node.module}.{name.name}"
                if path in SEAMS or node.module in {"ministack", "ministack.core", "ministack.services"}:
                    modules[name.asname or name.name] = path
                else:
                    yield path
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield f"{modules[node.value.id]}.{node.attr}"


def test_every_use_of_ministack_is_a_checked_seam() -> None:
    named = {f"{module}.{attribute}" for module, attributes in SEAMS.items() for attribute in attributes}
    missing = {
        f"{path.relative_to(path.parents[1])}: {use}"
        for path in SOURCES
        for use in used(path.read_text())
        if use not in named
    }
    assert not missing, "add these to local_cloud/seams.py:\n" + "\n".join(sorted(missing))
