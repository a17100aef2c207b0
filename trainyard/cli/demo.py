"""`trainyard demo`: local cloud, deployment, sample, upload and a followed run in one go; runs on a laptop or in CI."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import typer
from rich.table import Table
from rich.text import Text

from trainyard.aws import deployment, jobs
from trainyard.aws.deployment import Deployment
from trainyard.cli import changes, cloud, console, outcome, runs, target
from trainyard.cli import deploy as deploying
from trainyard.cli.cloud import ContainersOption, PortOption
from trainyard.cli.graph import Picture
from trainyard.cli.options import RecipeArgument, SeedOption
from trainyard.cli.runs import SetOption, SizeOption
from trainyard.errors import TrainyardError

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
        console.out().print(Text(f"\n{name}", style="bold cyan"))
        started = time.monotonic()
        yield
        self.steps.append((name, time.monotonic() - started))


def demo(
    recipe_name: RecipeArgument = "prod2vec",
    size: SizeOption = "100k",
    seed: SeedOption = 42,
    settings: SetOption = None,
    port: PortOption = cloud.DEFAULT_PORT,
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
        cloud.up(port, containers)
    place = target.connect(aws=False)
    with clock.step("Deployment"):
        deploying.to_target(place, ENV)
    found = deployment.find(place, ENV)
    with clock.step("Sample"):
        lines = changes.size_of(size)
        order = runs.prepare(recipe_name, None, None, settings or [], tune=False, size=lines, seed=seed)
    with clock.step("Upload"):
        started = runs.start(found, order)
    if started.outcome != "train":
        raise TrainyardError(f"Expected the sample to start a run; the workflow said: {started.plan.get('reason')}.")
    with clock.step("Run"):
        runs.announce(started)
        name = started.execution.name
        code, picture = runs.watch_to_end(found, started.execution.arn, name)
    if picture is not None:
        _summary(found, picture, clock, name)
    if picture is not None and code == outcome.REFUSED and picture.execution.output["decision"]["champion"]:
        console.out().print(Text(NOT_BETTER, style="yellow"))
        code = outcome.OK
    raise typer.Exit(code)


def _summary(found: Deployment, picture: Picture, clock: Clock, name: str) -> None:
    table = Table(title="Time", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("step")
    table.add_column("took", justify="right")
    for step, seconds in clock.steps:
        table.add_row(step, console.duration(seconds))
    table.add_row("Total", console.duration(sum(seconds for _, seconds in clock.steps)), style="bold")
    worked = working_seconds(found, picture)
    table.add_row("", "")
    table.add_row("Execution", console.duration(picture.execution.seconds))
    table.add_row("of that, its jobs", console.duration(worked))
    table.add_row("of that, orchestration", console.duration(picture.execution.seconds - worked))
    console.out().print()
    console.out().print(table)
    look = f"`trainyard show {name}`, `trainyard logs`, `trainyard artifacts`"
    console.out().print(Text(f"\nLook around with {look}; `trainyard down` stops the local cloud."), soft_wrap=True)


def working_seconds(found: Deployment, picture: Picture) -> float:
    """The sum of the run times that the execution's jobs report themselves."""
    ran = {visit.job.id: visit.job for visit in picture.visits if visit.job is not None and visit.job.counts}
    return sum(jobs.run_seconds(found.target, job) for job in ran.values())
