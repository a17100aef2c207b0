"""Shell of stage check drift: unpacks the model and hands the folders of a processing job over."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trainyard.run import container
from trainyard.run.model_archive import unpack
from trainyard.run.run import Run
from trainyard.run.watch.drift_check import DriftCheck
from trainyard.stages.check_drift.check_drift import check_drift


def main() -> None:
    """Run the job."""
    with tempfile.TemporaryDirectory() as scratch:
        resolved = container.processing_input("resolve")
        check_drift(
            Run.read(resolved),
            DriftCheck.read(resolved),
            captured=container.processing_input("captured"),
            model_dir=unpack(container.processing_input("model"), Path(scratch)),
            output=container.processing_output("summary"),
        )
