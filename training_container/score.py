"""Shell of stage score: unpacks the model and hands the folders of a processing job over."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trainyard.run import container
from trainyard.run.model_archive import unpack
from trainyard.run.run import Run
from trainyard.stages.score.score import score


def main() -> None:
    """Run the job."""
    with tempfile.TemporaryDirectory() as scratch:
        score(
            Run.read(container.processing_input("resolve")),
            container.processing_input("ingest"),
            model_dir=unpack(container.processing_input("model"), Path(scratch)),
            scores=container.processing_output("scores"),
            summary=container.processing_output("summary"),
        )
