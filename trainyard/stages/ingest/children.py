"""Lists the child runs of a run that fans out, as its database has them now; runs in Glue's ingest job."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainyard.contract.config import RecipeConfig
from trainyard.errors import JobFailed
from trainyard.glue.secrets import SecretReader
from trainyard.run import recipe
from trainyard.run.documents import Child, Children
from trainyard.run.settings.overrides import override
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.ingest import database_extract

# List and outcomes of all children travel through the state machine, whose states pass on 256 KiB at most.
MAX_CHILDREN = 300


def list_children(store: RunStore, *, read_secret: SecretReader) -> Children:
    """Write `<run>/ingest/children.json`.

    Raises JobFailed for what the database says, for a child without a name of its own, and for too many of them.
    """
    config = recipe.config(store.run.recipe, store.run.config)
    with (
        tempfile.TemporaryDirectory(prefix="children-") as folder,
        database_extract.connection(store, config, scratch=Path(folder), read_secret=read_secret) as opened,
    ):
        listed = recipe.module(store.run.recipe, "ingest").children(opened, config)
    children = tuple(Child(name=_name(config, each), overrides=merged(store.run.overrides, each)) for each in listed)
    names = {each.name for each in children}
    if len(names) < len(children):
        raise JobFailed(f"Expected children with names of their own, found {', '.join(sorted(names))} more than once.")
    if len(children) > MAX_CHILDREN:
        raise JobFailed(f"Expected at most {MAX_CHILDREN} children, found {len(children):,}; start some by themselves.")
    found = Children(children=children)
    store.write_document(Stage.INGEST, found)
    return found


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides with others laid over them, as deep as both have objects."""
    both = {key: merged(below[key], above[key]) for key in below.keys() & above if isinstance(above[key], Mapping)}
    return {**below, **above, **both}


def _name(config: RecipeConfig, overrides: Mapping[str, Any]) -> str:
    child = override(config, overrides)
    if not child.variant or child.fans_out:
        raise JobFailed(
            f"Expected a child run to have a variant and no children, found neither in {json.dumps(overrides)}; fix "
            "`children` in the recipe's ingest.py."
        )
    return child.variant
