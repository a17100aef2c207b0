"""Shell of stage process: hands the folders of a processing job over, and prints the figures."""

from __future__ import annotations

from trainyard.run import container
from trainyard.run.run import Run
from trainyard.stages.process import process


def main() -> None:
    """Run the job."""
    run = Run.read(container.processing_input("resolve"))
    prepared, output = container.processing_input("prepare"), container.processing_output("process")
    figures = process(run, prepared, output=output)
    print(", ".join(f"{name} {value:g}" for name, value in figures.items()), flush=True)
