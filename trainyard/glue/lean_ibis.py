"""Loads of Ibis what an engine of a job needs: without the SQL of twenty other databases; runs in Glue and on a laptop.

A backend of Ibis takes one module out of `ibis.backends.sql.compilers`, whose package imports those of all databases,
and sqlglot's dialects with them. That is a quarter of what Ibis takes to load.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

COMPILERS = "ibis.backends.sql.compilers"


def over_duckdb(connection: duckdb.DuckDBPyConnection) -> Any:
    """The backend over a connection of DuckDB."""
    _compilers_on_use()
    from trainyard.glue.lean_duckdb import LeanDuckDB

    return LeanDuckDB.from_connection(connection)


def spark() -> Any:
    """The backend of Spark. Raises ImportError where PySpark is not installed."""
    _compilers_on_use()
    import ibis

    return ibis.pyspark


def _compilers_on_use() -> None:
    """Put the package among the loaded modules with no name in it: each module of it is imported when it is used."""
    if COMPILERS in sys.modules:
        return
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
