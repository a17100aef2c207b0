"""Shell of stage evaluate: unpacks the models and hands the folders of a processing job over."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trainyard.run import container
from trainyard.run.model_archive import unpack
from trainyard.run.run import Run
from trainyard.stages.evaluate.evaluate import evaluate


def main() -> None:
    """Run the job."""
    run = Run.read(container.processing_input("resolve"))
    champion = container.processing_input("champion")
    with tempfile.TemporaryDirectory() as scratch:
        evaluate(
            run,
            container.processing_input("process"),
            challenger=unpack(container.processing_input("model"), Path(scratch) / "challenger"),
            champion=unpack(champion, Path(scratch) / "champion") if champion.is_dir() else None,
            output=container.processing_output("evaluate"),
        )
