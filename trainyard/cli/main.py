"""The program `trainyard`: names the commands and turns failures into one sentence; runs on a laptop or in CI."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from trainyard.cli.command import streams
from trainyard.cli.command.on_demand import MARKUP, OnDemandGroup

# By the panel of the help that lists them. The function and the module of a command are called as it is, but for the
# underscore where that is a word of the language or more than one word.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "Set up": ("demo", "up", "down", "status", "doctor"),
    "Deploy": ("deploy", "destroy", "env", "definition", "policy"),
    "Run": ("recipes", "sample", "check", "estimate", "prices", "run", "score", "schedules", "data"),
    "Make a recipe": ("new", "check-recipe", "try"),
    "Serve": (
        *("models", "approve", "reject", "promote", "rollback", "serve", "release", "endpoints", "predict"),
        *("captured", "shadow", "drift", "truth", "undeploy"),
    ),
    "Inspect": ("open", "console", "executions", "show", "logs", "artifacts", "card", "compare", "notebook"),
    "Control": ("redrive", "rerun", "stop", "prune", "forget"),
}


class Trainyard(OnDemandGroup):
    """The program."""

    panels = COMMANDS


app = typer.Typer(
    name="trainyard",
    cls=Trainyard,
    help="Drop data into a bucket and get a scored, gated, registered model, on AWS or on this machine.\n\n"
    "Commands talk to the local cloud; only with --aws to your AWS account. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 bad data, 4 not found, 5 model refused.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=MARKUP,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        # Here, for the help does without it, as without what failures need below.
        from importlib.metadata import version

        print(f"trainyard {version('trainyard')}")
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
        return _told(error)
    return 0


def _told(error: Exception) -> int:
    """Say in a sentence what a command failed with; returns the exit code. Raises what nobody expects."""
    from rich.text import Text

    from trainyard.cli.command import terminal
    from trainyard.client import failures

    if not failures.expected(error):
        raise error
    sentence, code = failures.explain(error)
    terminal.err().print(Text(sentence, style="red"), soft_wrap=True)
    return code


def run() -> None:
    """The entry point that is installed as `trainyard`."""
    streams.accept_any_text()
    sys.exit(streams.flushed(main(sys.argv[1:])))
