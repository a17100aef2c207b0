"""Shell of stage report: hands the folders of earlier stages over, and prints what was written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trainyard.contract.report import ReportInputs
from trainyard.run import container
from trainyard.run.documents import Comparison, Decision
from trainyard.run.model_archive import unpack
from trainyard.run.reuse import Reuse
from trainyard.run.run import Run
from trainyard.stages.report.report import Findings, report


def main() -> None:
    """Run the job."""
    output, evaluated = container.processing_output("report"), container.processing_input("evaluate")
    gated, resolved = container.processing_input("gate"), container.processing_input("resolve")
    with tempfile.TemporaryDirectory() as scratch:
        report(
            Run.read(resolved),
            ReportInputs(
                model=unpack(container.processing_input("model"), Path(scratch)),
                prepare=container.processing_input("prepare"),
                process=container.processing_input("process"),
            ),
            found=Findings(
                comparison=Comparison.read(evaluated),
                decision=Decision.read(gated),
                evaluated=evaluated,
                gated=gated,
                search=container.processing_input("search"),
                reuse=Reuse.read(resolved) if (resolved / Reuse.FILE).is_file() else None,
            ),
            output=output,
        )
    print(f"wrote {', '.join(sorted(each.name for each in output.iterdir()))}", flush=True)
