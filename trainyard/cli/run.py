"""`trainyard run`: uploads data, which starts the workflow, and follows what it started; runs on a laptop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import console_of, target, terminal
from trainyard.cli.command.options import (
    DEFAULT_SIZE,
    AwsOption,
    EnvOption,
    FollowOption,
    FreshOption,
    ModelOption,
    RecipeArgument,
    SeedOption,
    SetOption,
    SizeOption,
)
from trainyard.cli.dataset.samples import size_of
from trainyard.cli.dataset.submission import of_stored, prepare, print_started, submit
from trainyard.cli.execution_view.exit_codes import DONE
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.dataset import datasets
from trainyard.client.dataset.submission import Submission, train_stored
from trainyard.client.deployment import Deployment
from trainyard.client.execution.watch import Started
from trainyard.client.run.estimate import estimate
from trainyard.run import recipe
from trainyard.run.plan import NextStep


def run(
    recipe_name: RecipeArgument,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the recipe's files; a sample is made when not given.")
    ] = None,
    *,
    size: SizeOption = DEFAULT_SIZE,
    seed: SeedOption = 42,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Name of the data set in the bucket; the time when not given.")
    ] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Search for good hyperparameters first.")] = False,
    model: ModelOption = "",
    deploy: Annotated[bool, typer.Option("--deploy", help="Put the model into service once it is registered.")] = False,
    settings: SetOption = None,
    fresh: FreshOption = False,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Upload data, which starts the workflow, and watch it turn into a model.

    With --dataset alone the data set of that name that is in the bucket is trained again, with these settings laid over
    those of its run.json; where there is none, a sample is uploaded under that name. Stages that another run has
    made from the same files, settings and code are taken over then, unless it is to be --fresh.

    Ends with 0 for a registered model, 2 when the request and 3 when the data were refused, 5 when the gate refused
    the model, 1 when a job failed.

    Examples:

    * `trainyard run prod2vec`

    * `trainyard run prod2vec --data data --set hyperparameters.epochs=5`

    * `trainyard run prod2vec --dataset 20261129-062241 --set hyperparameters.epochs=5`

    * `trainyard run prod2vec --data shop --model shop-north`

    * `trainyard run prod2vec --deploy --set deploy.type=instances`

    * `trainyard run prod2vec --size 200k --tune --set tuning.max_jobs=6 --no-follow`
    """
    changed = [*(["deploy.enabled=true"] if deploy else []), *(settings or [])]
    prepared = partial(
        prepare,
        recipe_name,
        data,
        dataset=dataset,
        assignments=changed,
        tune=tune,
        model=model,
        size=size_of(size),
        seed=seed,
    )
    if data is None and dataset is not None:
        stored = of_stored(recipe_name, dataset=dataset, assignments=changed, tune=tune, model=model)
        deployment = target.deployed(env=env, aws=aws)
        if datasets.exists(deployment, recipe_name, dataset=dataset):
            terminal.out().print(Text(f"Training data set {dataset}, which is in the bucket."), soft_wrap=True)
            started = start(deployment, replace(stored, fresh=fresh), by=train_stored)
        else:
            started = start(deployment, prepared(), by=submit)
    else:
        submission = prepared()
        deployment = target.deployed(env=env, aws=aws)
        started = start(deployment, submission, by=submit)
    console_of.print_link(console_of.path_of(started.execution.name), env=env, aws=aws)
    raise typer.Exit(_follow(deployment, started, watch=watch))


def start(
    deployment: Deployment, submission: Submission, *, by: Callable[[Deployment, Submission], Started]
) -> Started:
    """Start what a submission asks for; where it costs money, say how much first."""
    if not deployment.target.local:
        config = recipe.config(submission.recipe, submission.settings)
        found = estimate(deployment, submission.recipe, config=config)
        about = "about" if found.known else "more than"
        said = f"It will cost {about} {found.usd:.2f} USD, by the limits of its jobs at most {found.most:.2f}"
        terminal.out().print(Text(f"{said} ({found.prices}). See `trainyard estimate`.", style="dim"), soft_wrap=True)
    return by(deployment, submission)


def _follow(deployment: Deployment, started: Started, *, watch: bool) -> int:
    """Follow what an upload started; returns the exit code."""
    if started.next_step is NextStep.NOTHING:
        terminal.out().print(Text(f"Nothing to train yet: {started.reason}."), soft_wrap=True)
        return DONE
    print_started(started)
    return follow_or_hint(deployment, started.execution.arn, name=started.execution.name, watch=watch)
