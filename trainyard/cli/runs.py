"""`trainyard sample` and `run`: makes input data, uploads it and watches what the upload started; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from trainyard import recipe, resolve
from trainyard.aws import uploads
from trainyard.aws.deployment import Deployment
from trainyard.aws.uploads import Upload
from trainyard.aws.watch import Started, Watch
from trainyard.cli import changes, console, follow, outcome, project, samples, sending, target
from trainyard.cli.graph import Picture
from trainyard.cli.options import AwsOption, EnvOption, FollowOption, RecipeArgument, SeedOption

DEFAULT_SIZE = "20k"
DETACHED = 130

SizeOption = Annotated[str, typer.Option("--size", help="Lines to generate: 5000, 10k, 1M, ...")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting of the recipe; may be repeated. Values are JSON."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What `run` was asked to do, checked before anything is uploaded."""

    recipe: str
    dataset: str
    files: Sequence[Path]
    settings: dict[str, Any] = field(default_factory=dict)


def sample(
    recipe_name: RecipeArgument,
    out: Annotated[Path, typer.Option("--out", help="New or empty folder for the files.")],
    size: SizeOption = DEFAULT_SIZE,
    seed: SeedOption = 42,
) -> None:
    """Write realistic input files of any size for a recipe.

    Example: `trainyard sample prod2vec --size 100k --out data`
    """
    for path in samples.make(recipe_name, out, size=changes.size_of(size), seed=seed):
        console.out().print(Text(f"{path}  {console.size(path.stat().st_size)}"), soft_wrap=True)


def run(
    recipe_name: RecipeArgument,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the recipe's files; a sample is made when not given.")
    ] = None,
    size: SizeOption = DEFAULT_SIZE,
    seed: SeedOption = 42,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Name of the data set in the bucket; the time when not given.")
    ] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Search for good hyperparameters first.")] = False,
    deploy: Annotated[bool, typer.Option("--deploy", help="Put the model into service once it is registered.")] = False,
    settings: SetOption = None,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Upload data, which starts the workflow, and watch it turn into a model.

    Ends with 0 for a registered model, 2 when the request and 3 when the data were refused, 5 when the gate refused
    the model, 1 when a job failed.

    Examples:

    * `trainyard run prod2vec`

    * `trainyard run prod2vec --data data --set hyperparameters.epochs=5`

    * `trainyard run prod2vec --deploy --set deploy.type=instances`

    * `trainyard run prod2vec --size 200k --tune --set tuning.max_jobs=6 --no-follow`
    """
    changed = [*(["deploy.enabled=true"] if deploy else []), *(settings or [])]
    order = prepare(recipe_name, data, dataset, changed, tune=tune, size=changes.size_of(size), seed=seed)
    found = target.deployed(env=env, aws=aws)
    started = start(found, order)
    raise typer.Exit(attend(found, started, watch=watch))


def prepare(
    recipe_name: str,
    data: Path | None,
    dataset: str | None,
    assignments: Sequence[str],
    *,
    tune: bool,
    size: int,
    seed: int,
) -> Order:
    """Check settings, names and files on this machine, making a sample where no data was named."""
    settings = changes.gather(recipe_name, data, assignments, tune=tune)
    name = sending.dataset_name(dataset)
    folder = data or _sample(recipe_name, size=size, seed=seed)
    files, others, missing = samples.files_of(recipe_name, recipe.config(recipe_name, settings), folder)
    ignored = [each.name for each in others if each.name != resolve.OVERRIDES_FILE]
    if ignored:
        console.err().print(Text(f"Not uploaded, the recipe does not read them: {', '.join(ignored)}.", style="yellow"))
    if missing:
        console.err().print(Text(f"The set is incomplete without {', '.join(missing)}.", style="yellow"))
    return Order(recipe=recipe_name, dataset=name, files=files, settings=settings)


def _sample(recipe_name: str, *, size: int, seed: int) -> Path:
    folder, made = samples.kept(recipe_name, project.state_dir() / "samples", size=size, seed=seed)
    console.out().print(Text(f"{'Made' if made else 'Using'} the sample {folder}."), soft_wrap=True)
    return folder


def start(deployment: Deployment, order: Order) -> Started:
    """Upload an order's files, settings first, and wait for the execution that they start."""
    watch = Watch.begin(deployment)
    done: list[Upload] = []
    if order.settings:
        done.append(uploads.put_settings(deployment, order.recipe, order.dataset, order.settings))
    done += sending.send(deployment, order.recipe, order.dataset, order.files)
    where = f"s3://{deployment.raw_bucket}/{uploads.key_of(order.recipe, order.dataset, '')}"
    console.out().print(Text(f"Uploaded {len(done)} files to {where}"), soft_wrap=True)
    waiting = console.err().status("Waiting for the upload to start an execution …")
    with waiting if console.interactive() else nullcontext():
        return watch.wait(done)


def attend(deployment: Deployment, started: Started, *, watch: bool) -> int:
    """Follow what an upload started; returns the exit code."""
    name = started.execution.name
    if started.outcome == "nothing":
        console.out().print(Text(f"Nothing to train yet: {started.plan.get('reason', '')}."), soft_wrap=True)
        return outcome.OK
    announce(started)
    if not watch:
        console.out().print(Text(f"Watch it with `trainyard show {name} --follow`.", style="dim"))
        return outcome.OK
    return watch_to_end(deployment, started.execution.arn, name)[0]


def announce(started: Started) -> None:
    """Name the execution, so that it can be found again."""
    run_id = started.plan.get("run_id")
    console.out().print(
        Text(f"Execution {started.execution.name}" + (f", run {run_id}" if run_id else "")), soft_wrap=True
    )


def watch_to_end(deployment: Deployment, arn: str, name: str) -> tuple[int, Picture | None]:
    """Follow an execution and tell its end; an interrupt only detaches. Returns the exit code and the last picture."""
    try:
        picture = follow.follow(deployment, arn)
    except KeyboardInterrupt:
        console.out().print(Text(f"\nDetached; the run goes on. Watch it again: `trainyard show {name} --follow`."))
        return DETACHED, None
    return outcome.tell(deployment, picture.execution, picture.visits), picture
