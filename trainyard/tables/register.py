"""Stage register: lets a recipe tell its source database what became of a run; runs in Glue, promoted or refused."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from trainyard import recipe
from trainyard.errors import JobFailed
from trainyard.model_archive import unpack
from trainyard.stages import Stage
from trainyard.tables import extract
from trainyard.tables.arguments import Arguments
from trainyard.tables.store import RunStore

EVALUATION_FILE = "evaluation.json"
DECISION_FILE = "decision.json"


def register(store: RunStore, arguments: Arguments) -> bool:
    """Hand the run's model, evaluation and verdict to the recipe's `register`; returns whether it was promoted.

    It may run again: the moment it reports is when the gate decided, not when it ran. Raises NotFound when an earlier
    stage has not finished, JobFailed for a model that is not this run's own or for what the database says.
    """
    run = store.run
    own = f"s3://{run.artifacts_bucket}/{run.prefix}/"
    if not arguments.model_uri.startswith(own):
        raise JobFailed(f"--MODEL_URI: expected a model below {own}, found {arguments.model_uri!r}.")
    config = recipe.config(run.recipe, run.config)
    evaluation = json.loads(store.read_text(Stage.EVALUATE, EVALUATION_FILE))
    promoted = bool(json.loads(store.read_text(Stage.GATE, DECISION_FILE))["promote"])
    with tempfile.TemporaryDirectory(prefix="register-") as folder:
        store.download_artifact(arguments.model_uri, Path(folder) / "model.tar.gz")
        model_dir = unpack(Path(folder), Path(folder) / "model")
        with extract.connection(store, arguments, recipe.sources(run.recipe, config), Path(folder)) as opened:
            recipe.module(run.recipe, "register").register(
                opened,
                run_id=run.run_id,
                code_version=run.code_version,
                model_uri=arguments.model_uri,
                model_dir=model_dir,
                evaluation=evaluation,
                promoted=promoted,
                finished_at=store.written_at(Stage.GATE, DECISION_FILE),
            )
    return promoted
