"""Loads of Ibis what an engine of a job needs: without the SQL of twenty other databases; runs in Glue and on a laptop.

A backend of Ibis takes one module out of `ibis.backends.sql.compilers`, whose package imports those of all databases,
and sqlglot's dialects with them. That is a quarter of what Ibis takes to load.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

COMPILERS = "ibis.backends.sql.compilers"


def backend(name: str) -> Any:
    """The backend of Ibis called `name`, such as `duckdb`. Raises ImportError where its packages are not installed."""
    if COMPILERS not in sys.modules:
        _compilers_on_use()
    import ibis

    return getattr(ibis, name)


def _compilers_on_use() -> None:
    """Put the package among the loaded modules with no name in it: each module of it is imported when it is used."""
    spec = find_spec(COMPILERS)
    if spec is None or spec.loader is None:
        raise ImportError(f"Expected the package {COMPILERS}, found none; install ibis-framework as the lock names it.")
    package, loader = module_from_spec(spec), spec.loader

    def use(name: str) -> Any:
        if not name.startswith("__") and find_spec(f"{COMPILERS}.{name}") is not None:
            return import_module(f"{COMPILERS}.{name}")
        # Not a module: one of the classes that the package has once it is loaded as ever.
        del package.__getattr__
        loader.exec_module(package)
        return getattr(package, name)

    package.__getattr__ = use  # type: ignore[method-assign]
    sys.modules[COMPILERS] = package
    # What an import statement binds is the attribute of the package above.
    sys.modules[COMPILERS.rpartition(".")[0]].compilers = package  # type: ignore[attr-defined]
