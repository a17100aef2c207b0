"""Lists the child runs of a run that fans out, as its database has them now; runs in Glue's ingest job."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainyard import recipe
from trainyard.config import RecipeConfig
from trainyard.errors import JobFailed
from trainyard.overrides import override
from trainyard.stages import Stage
from trainyard.tables import extract
from trainyard.tables.arguments import Arguments
from trainyard.tables.store import RunStore

CHILDREN_FILE = "children.json"
# List and outcomes of all children travel through the state machine, whose states pass on 256 KiB at most.
MAX_CHILDREN = 300


def list_children(store: RunStore, arguments: Arguments) -> list[dict[str, Any]]:
    """Write `<run>/ingest/children.json`: `name` and `overrides` of each child run; returns them.

    The name is the child's variant. Its overrides are those of this run's start with the child's own over them.
    Raises JobFailed for what the database says, for a child without a name of its own, and for too many of them.
    """
    config = recipe.config(store.run.recipe, store.run.config)
    sources = recipe.sources(store.run.recipe, config)
    with (
        tempfile.TemporaryDirectory(prefix="children-") as folder,
        extract.connection(store, arguments, sources, Path(folder)) as opened,
    ):
        listed = recipe.module(store.run.recipe, "ingest").children(opened, config)
    children: list[dict[str, Any]] = [
        {"name": _name(config, each), "overrides": merged(store.run.overrides, each)} for each in listed
    ]
    names = {each["name"] for each in children}
    if len(names) < len(children):
        raise JobFailed(f"Expected children with names of their own, found {', '.join(sorted(names))} more than once.")
    if len(children) > MAX_CHILDREN:
        raise JobFailed(f"Expected at most {MAX_CHILDREN} children, found {len(children):,}; start some by themselves.")
    store.write_text(Stage.INGEST, CHILDREN_FILE, json.dumps({"children": children}, indent=2))
    return children


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides with others laid over them, as deep as both have objects."""
    both = {key: merged(below[key], above[key]) for key in below.keys() & above if isinstance(above[key], Mapping)}
    return {**below, **above, **both}


def _name(config: RecipeConfig, overrides: Mapping[str, Any]) -> str:
    child = override(config, overrides)
    if not child.variant or child.fans_out:
        raise JobFailed(
            f"Expected a child run to have a variant and no children, found neither in {json.dumps(overrides)}; mend "
            "`children` in the recipe's ingest.py."
        )
    return child.variant
