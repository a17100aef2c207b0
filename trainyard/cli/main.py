"""The program `trainyard`: names the commands and turns failures into one sentence; runs on a laptop or in CI."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.approve import approve
from trainyard.cli.artifacts import artifacts
from trainyard.cli.check import check
from trainyard.cli.check_recipe import check_recipe
from trainyard.cli.command import streams, terminal
from trainyard.cli.compare import compare
from trainyard.cli.console import console
from trainyard.cli.data import data
from trainyard.cli.definition import definition
from trainyard.cli.demo import demo
from trainyard.cli.deploy import deploy
from trainyard.cli.destroy import destroy
from trainyard.cli.doctor import doctor
from trainyard.cli.down import down
from trainyard.cli.endpoints import endpoints
from trainyard.cli.env import env
from trainyard.cli.estimate import estimate
from trainyard.cli.executions import executions
from trainyard.cli.logs import logs
from trainyard.cli.models import models
from trainyard.cli.new import new
from trainyard.cli.notebook import notebook
from trainyard.cli.open import open as open_page
from trainyard.cli.policy import policy
from trainyard.cli.predict import predict
from trainyard.cli.promote import promote
from trainyard.cli.prune import prune
from trainyard.cli.recipes import recipes
from trainyard.cli.redrive import redrive
from trainyard.cli.reject import reject
from trainyard.cli.release import release
from trainyard.cli.rerun import rerun
from trainyard.cli.rollback import rollback
from trainyard.cli.run import run as run_recipe
from trainyard.cli.sample import sample
from trainyard.cli.score import score
from trainyard.cli.serve import serve
from trainyard.cli.show import show
from trainyard.cli.status import status
from trainyard.cli.stop import stop
from trainyard.cli.try_ import try_
from trainyard.cli.undeploy import undeploy
from trainyard.cli.up import up
from trainyard.client import failures

app = typer.Typer(
    name="trainyard",
    help="Drop data into a bucket and get a scored, gated, registered model, on AWS or on this machine.\n\n"
    "Commands talk to the local cloud; only with --aws to your AWS account. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 bad data, 4 not found, 5 model refused.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

# By the panel of the help that lists them. A command is called what its function and its module are called, but for the
# underscore where that is a word of the language or more than one word.
COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Set up": (demo, up, down, status, doctor),
    "Deploy": (deploy, destroy, env, definition, policy),
    "Run": (recipes, sample, check, estimate, run_recipe, score, data),
    "Make a recipe": (new, check_recipe, try_),
    "Serve": (models, approve, reject, promote, rollback, serve, release, endpoints, predict, undeploy),
    "Inspect": (open_page, console, executions, show, logs, artifacts, compare, notebook),
    "Control": (redrive, rerun, stop, prune),
}


def command_name(function: Callable[..., None]) -> str:
    """What people type for a function: `check-recipe` for `check_recipe`, `try` for `try_`."""
    return function.__name__.rstrip("_").replace("_", "-")


for _panel, _functions in COMMANDS.items():
    for _function in _functions:
        app.command(command_name(_function), rich_help_panel=_panel)(_function)


def _version(asked: bool) -> None:
    if asked:
        print(f"trainyard {importlib.metadata.version('trainyard')}")
        raise typer.Exit


@app.callback()
def options(
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Failures become one sentence on standard error."""
    try:
        app(args=list(arguments), prog_name="trainyard")
    except SystemExit as end:
        return streams.code_of(end)
    except Exception as error:
        if not failures.expected(error):
            raise
        sentence, code = failures.explain(error)
        terminal.err().print(Text(sentence, style="red"), soft_wrap=True)
        return code
    return 0


def run() -> None:
    """The entry point that is installed as `trainyard`."""
    streams.accept_any_text()
    sys.exit(streams.flushed(main(sys.argv[1:])))
