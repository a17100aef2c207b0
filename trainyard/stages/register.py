"""Stage register: lets a recipe tell its source database what became of a run; runs in Glue, promoted or refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trainyard.errors import JobFailed
from trainyard.glue.secrets import SecretReader
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Decision
from trainyard.run.model_archive import unpack
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.ingest import database_extract


def register(store: RunStore, *, model_uri: str, read_secret: SecretReader) -> bool:
    """Hand the run's model, metrics and verdict to the recipe's `register`; returns whether it was promoted.

    It may run again: the moment it reports is when the gate decided, not when it ran. Raises NotFound when an earlier
    stage has not finished, JobFailed for a model that is not this run's own or for what the database says.
    """
    run = store.run
    own = f"s3://{run.artifacts_bucket}/{run.prefix}/"
    if not model_uri.startswith(own):
        raise JobFailed(f"--MODEL_URI: expected a model below {own}, found {model_uri!r}.")
    config = recipe.config(run.recipe, run.config)
    comparison = store.read_document(Stage.EVALUATE, Comparison)
    decision = store.read_document(Stage.GATE, Decision)
    with tempfile.TemporaryDirectory(prefix="register-") as folder:
        store.download_artifact(model_uri, Path(folder) / "model.tar.gz")
        model_dir = unpack(Path(folder), Path(folder) / "model")
        with database_extract.connection(store, config, scratch=Path(folder), read_secret=read_secret) as opened:
            recipe.module(run.recipe, "register").register(
                opened,
                run_id=run.run_id,
                code_version=run.code_version,
                model_uri=model_uri,
                model_dir=model_dir,
                metrics={name: each.value for name, each in comparison.metrics.items()},
                promoted=decision.promote,
                finished_at=store.written_at(Stage.GATE, Decision.FILE),
            )
    return decision.promote
