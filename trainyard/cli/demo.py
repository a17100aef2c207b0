"""`trainyard demo`: local cloud, deployment, sample, upload and a followed run in one go; runs on a laptop or in CI."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.cdk.stacks import deploy_stacks
from trainyard.cli.command import console_of, target, terminal
from trainyard.cli.command.options import (
    ContainersOption,
    PortOption,
    RecipeArgument,
    SeedOption,
    SetOption,
    SizeOption,
)
from trainyard.cli.dataset.samples import size_of
from trainyard.cli.dataset.submission import prepare, print_started, submit
from trainyard.cli.execution_view.exit_codes import DONE, REFUSED
from trainyard.cli.execution_view.follow import watch_to_end
from trainyard.cli.up import up
from trainyard.client import deployment
from trainyard.client.deployment import Deployment
from trainyard.client.execution import jobs
from trainyard.client.execution.observer import Snapshot
from trainyard.errors import TrainyardError
from trainyard.pages import formats
from trainyard.run.plan import NextStep

ENV = "dev"
NOT_BETTER = (
    "The model in use stays, as it should: the same sample gives the same model, and the gate lets only a better one "
    "through. Try --seed or --set to train another."
)


@dataclass
class Clock:
    """How long each step of the demonstration took."""

    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        terminal.out().print(Text(f"\n{name}", style="bold cyan"))
        started = time.monotonic()
        yield
        self.steps.append((name, time.monotonic() - started))


def demo(
    recipe_name: RecipeArgument = "prod2vec",
    size: SizeOption = "100k",
    *,
    seed: SeedOption = 42,
    settings: SetOption = None,
    port: PortOption = None,
    containers: ContainersOption = None,
) -> None:
    """Show everything on this machine: start the local cloud, deploy, upload a sample, follow the run to its model.

    What is already there is used again. The local cloud stays up for inspection; `trainyard down` stops it.

    Examples:

    * `trainyard demo`

    * `trainyard demo prod2vec --size 1M --set hyperparameters.epochs=5`
    """
    clock = Clock()
    with clock.step("Local cloud"):
        up(port, containers)
    cloud = target.connect(aws=False)
    with clock.step("Deployment"):
        deploy_stacks(cloud, ENV)
    found = deployment.find(cloud, ENV)
    with clock.step("Sample"):
        lines = size_of(size)
        submission = prepare(
            recipe_name, None, dataset=None, assignments=settings or [], tune=False, size=lines, seed=seed
        )
    with clock.step("Upload"):
        started = submit(found, submission)
    if started.next_step is not NextStep.TRAIN:
        raise TrainyardError(f"Expected the sample to start a run; the workflow answered: {started.reason}.")
    with clock.step("Run"):
        print_started(started)
        name = started.execution.name
        console_of.print_link(console_of.path_of(name), env=ENV, aws=False)
        code, snapshot = watch_to_end(found, started.execution.arn, name=name)
    if snapshot is not None:
        _print_times(found, snapshot, clock=clock, name=name)
    if code == REFUSED and snapshot is not None and _was_compared(snapshot):
        terminal.out().print(Text(NOT_BETTER, style="yellow"))
        code = DONE
    raise typer.Exit(code)


def _was_compared(snapshot: Snapshot) -> bool:
    """Whether there was a model in use that the new one had to be better than."""
    decision = snapshot.execution.decision
    return decision is not None and decision.champion is not None


def _print_times(found: Deployment, snapshot: Snapshot, *, clock: Clock, name: str) -> None:
    table = Table(title="Time", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("step")
    table.add_column("took", justify="right")
    for step, seconds in clock.steps:
        table.add_row(step, formats.duration(seconds))
    table.add_row("Total", formats.duration(sum(seconds for _, seconds in clock.steps)), style="bold")
    worked = working_seconds(found, snapshot)
    table.add_row("", "")
    table.add_row("Execution", formats.duration(snapshot.execution.seconds))
    table.add_row("of that, its jobs", formats.duration(worked))
    table.add_row("of that, orchestration", formats.duration(snapshot.execution.seconds - worked))
    terminal.out().print()
    terminal.out().print(table)
    look = f"`trainyard open {name}` in the browser, `trainyard show {name}`, `trainyard logs`, `trainyard artifacts`"
    terminal.out().print(Text(f"\nLook around with {look}; `trainyard down` stops the local cloud."), soft_wrap=True)


def working_seconds(found: Deployment, snapshot: Snapshot) -> float:
    """The sum of the run times that the execution's jobs report themselves."""
    ran = {visit.job.id: visit.job for visit in snapshot.visits if visit.job is not None and visit.job.counts}
    return sum(jobs.run_seconds(found.target, job) for job in ran.values())
