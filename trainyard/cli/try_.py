"""`trainyard try`: runs the stages of a recipe in this process, without a cloud; runs on a laptop."""

from __future__ import annotations

import os
import pdb
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.command.options import RecipeArgument, SetOption
from trainyard.cli.dataset.settings import gather
from trainyard.cli.execution_view.decision import print_checks, print_scores
from trainyard.cli.execution_view.exit_codes import DONE, REFUSED
from trainyard.client import project
from trainyard.errors import BadData, BadRequest, TrainyardError
from trainyard.pages import formats
from trainyard.run.stage import Stage

if TYPE_CHECKING:
    from trainyard.client.recipe.trial import Trial

TRIES = "tries"


def try_(
    recipe_name: RecipeArgument,
    data: Annotated[Path, typer.Option("--data", help="Folder with the recipe's files; a run.json in it holds.")],
    *,
    stage: Annotated[
        str,
        typer.Option("--stage", metavar="STAGE", help="Run this one on what an earlier try left, such as train."),
    ] = "",
    settings: SetOption = None,
    debugger: Annotated[bool, typer.Option("--debugger", help="Open Python's debugger where a stage fails.")] = False,
) -> None:
    """Run the stages of a recipe in this process: no cloud, no deployment, and the whole traceback where one fails.

    They are those of the workflow, on files of this machine: ingest, prepare, process, train, evaluate, gate, report
    and score. With --stage only that one runs again, after those before it that have not run on these files and
    settings. Ends with 0, with 3 for data that are refused, and with 5 for a model that the gate refuses.

    Examples:

    * `trainyard try churn --data data`

    * `trainyard try churn --data data --stage train --debugger`
    """
    from trainyard.client.recipe import trial

    # As in the images: TensorFlow says first which instructions of the processor it was not built for.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    wanted = _until(stage, trial.STAGES)
    changed = gather(recipe_name, data, assignments=settings or [])
    found = trial.prepare_trial(recipe_name, data, settings=changed, results=project.state_dir() / TRIES)
    for each in wanted:
        # Without --stage everything runs again; with it the others only where they have not.
        if not stage or each.value == stage or not found.done(each):
            _run(found, each, debugger=debugger)
    raise typer.Exit(_told(found, wanted[-1]))


def _until(stage: str, stages: Sequence[Stage]) -> Sequence[Stage]:
    """The stages that lead to one, all of them where none is named. Raises BadRequest for a name that is none."""
    names = [each.value for each in stages]
    if stage and stage not in names:
        raise BadRequest(f"Expected one of {', '.join(names)} after --stage, found {stage!r:.60}.")
    return stages[: names.index(stage) + 1] if stage else stages


def _run(found: Trial, stage: Stage, *, debugger: bool) -> None:
    """One stage with its name and duration. What it fails with is shown with every line that led there."""
    err, started = terminal.err(), time.monotonic()
    err.print(Text(f"○ {stage.value}", style="cyan"))
    try:
        found.start(stage)
    except BadData:
        raise
    except Exception as error:
        traceback.print_exception(error)
        if debugger:
            pdb.post_mortem(error.__traceback__)
        raise TrainyardError(f"The stage {stage.value} failed: {type(error).__name__}: {error}") from error
    err.print(Text(f"● {stage.value} in {formats.duration(time.monotonic() - started)}", style="green"))


def _told(found: Trial, last: Stage) -> int:
    """Where the results lie and what the gate said; returns the exit code."""
    out = terminal.out()
    code = DONE
    if found.done(Stage.GATE) and last in (Stage.GATE, Stage.REPORT, Stage.SCORE):
        decision = found.decision()
        print_scores(decision, out)
        print_checks(decision, out, registers=False)
        code = DONE if decision.promote else REFUSED
    out.print()
    out.print(Text(f"Results: {found.folder}"), soft_wrap=True)
    if found.page.is_file():
        out.print(Text(f"Report: {found.page.resolve().as_uri()}"), soft_wrap=True)
    return code
