"""Measures what a rerun with other epochs takes on the deployed local cloud, beside the run that computed everything.

    trainyard up && trainyard deploy && python -m benchmarks.reuse
    python -m benchmarks.reuse --recipe prod2vec --size 200k

A sample is uploaded and trained, then trained again with one epoch more, and once more with `fresh`. Seconds are those
of the states in the executions' histories; the bar is that the second execution takes at most what training,
evaluation, gate and report took in the first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import trainyard
from trainyard.cli.dataset.samples import size_of
from trainyard.client.execution import executions
from trainyard.client.execution.history import visits
from trainyard.client.run.started_run import StartedRun
from trainyard.run import recipe

BEFORE_TRAINING = ("Ingest raw data", "Prepare training data", "Build training examples")
LOOK = "Find finished stages"
AFTER = ("Train model", "Evaluate model", "Gate", "Write report")


def main() -> int:
    """Print a row per state with work; the exit code is 1 when the rerun took longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--recipe", default="prod2vec", choices=("headline_classifier", "prod2vec"))
    parser.add_argument("--size", default="20k")
    asked = parser.parse_args()
    runs = _runs(asked.recipe, size=asked.size)
    took = {name: _seconds(each) for name, each in runs.items()}
    print(f"{'state':<28}" + "".join(f"{name:>10}" for name in took))
    for state in dict.fromkeys(state for each in took.values() for state in each):
        print(
            f"{state:<28}"
            + "".join(f"{each[state]:>9.1f}s" if state in each else f"{'':>10}" for each in took.values())
        )
    totals = {name: _total(each) for name, each in runs.items()}
    print(f"{'whole execution':<28}" + "".join(f"{each:>9.1f}s" for each in totals.values()))
    allowed = sum(took["first"][each] for each in AFTER)
    passed_by = not set(BEFORE_TRAINING) & took["rerun"].keys()
    met = passed_by and totals["rerun"] <= allowed
    print(f"the rerun may take {allowed:.1f} s: {'met' if met else 'MISSED'}")
    return int(not met)


def _runs(name: str, *, size: str) -> Mapping[str, StartedRun]:
    """The run that computes everything, its rerun with other epochs, and one that computes everything again."""
    yard = trainyard.connect()
    dataset = f"reuse-{datetime.now(UTC):%H%M%S}"
    with tempfile.TemporaryDirectory() as folder:
        recipe.module(name, "sample").write(Path(folder) / "data", size=size_of(size), seed=7)
        first = yard.run(name, data=str(Path(folder) / "data"), dataset=dataset).wait()
    changes = {"hyperparameters.epochs": 1 + first.settings["hyperparameters.epochs"]}
    return {"first": first, "rerun": first.rerun(changes).wait(), "fresh": first.rerun(changes, fresh=True).wait()}


def _seconds(run: StartedRun) -> dict[str, float]:
    """How long an execution was in each state that does some work."""
    found = visits(executions.history(run.deployment.target, run.execution.arn))
    now = datetime.now(UTC)
    work = [each for each in found if each.type == "Task" and (each.job is not None or each.name in (LOOK, "Gate"))]
    return {each.name: each.elapsed(now).total_seconds() for each in work}


def _total(run: StartedRun) -> float:
    return run.execution.seconds


if __name__ == "__main__":
    sys.exit(main())
