"""What a module may import, and what a function of it may call, by its text alone; during synthesis."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache

MODULE = ".py"
Definition = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def path_of(module: str, paths: Collection[str]) -> str | None:
    """Where a module is among `paths`; None for one of a library, and for a name that is no module."""
    stem = module.replace(".", "/")
    return next((each for each in (f"{stem}{MODULE}", f"{stem}/__init__{MODULE}") if each in paths), None)


@cache
def imported(source: str, *, package: str) -> tuple[str, ...]:
    """Every module that a module of `package` may import wherever in it, those above it, and names that may be some.

    None of a text that is no Python: nobody can import it.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    return tuple(sorted({above for each in _named(tree, package) for above in _with_packages(each)}))


def _named(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from (f"{base}.{each.name}" for each in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def reached(source: str, function: str) -> str:
    """The part of a module that a call of one of its functions may run: what importing it runs, and what these name.

    Importing runs what decorates a function, and makes classes: either may put it where nobody names it. All of the
    module counts where it has no such function. Comments and blank lines are no part of it.
    """
    body = ast.parse(source).body
    defined = [each for each in body if isinstance(each, Definition)]
    names = {each.name for each in defined}
    if function not in names:
        return source
    found: set[str] = set()
    registered = {each.name for each in defined if isinstance(each, ast.ClassDef) or each.decorator_list}
    waiting = {function, *registered}.union(*(_names(each) for each in body if not isinstance(each, Definition)))
    while waiting := (waiting & names) - found:
        found |= waiting
        waiting = set().union(*(_names(each) for each in defined if each.name in waiting))
    return "\n".join(ast.unparse(each) for each in body if getattr(each, "name", function) in {*found, function})


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
