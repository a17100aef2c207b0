"""`trainyard doctor`: what is missing on this machine and in the AWS account, in sentences; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from botocore.exceptions import BotoCoreError
from rich.table import Table
from rich.text import Text

from trainyard.cli.cdk import program
from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client import project
from trainyard.client.doctor import account, laptop, needs
from trainyard.client.doctor.check import Check, Status, missing, sentence, unknown
from trainyard.errors import NotFound
from trainyard.run.document import encoded

STYLES = {Status.OK: "green", Status.MISSING: "red", Status.UNKNOWN: "yellow"}


def doctor(env: EnvOption = "dev", aws: AwsOption = False, *, as_json: JsonOption = False) -> None:
    """Say what this machine has and lacks, and with --aws what the account does: a sentence each, and what to do.

    Changes nothing. Ends with 0 when nothing is missing, 1 when something is.

    Examples:

    * `trainyard doctor`

    * `trainyard doctor --aws --env prod`

    * `trainyard doctor --aws --json`
    """
    found = [*_laptop(images=aws), *(_account(env) if aws else ())]
    if as_json:
        terminal.print_json([encoded(each) for each in found])
    else:
        _print(found)
    if any(each.status is Status.MISSING for each in found):
        raise typer.Exit(1)


def _laptop(*, images: bool) -> Iterator[Check]:
    folder = project.cdk_folder()
    try:
        node = program.node()
    except NotFound:
        node = None
    here = laptop.Laptop(
        project=project.files(),
        state_dir=project.state_dir(),
        node=node,
        cdk=folder / program.SCRIPT,
        checkout=project.is_checkout(),
    )
    yield from laptop.checks(here, images=images)


def _account(env: str) -> Iterator[Check]:
    try:
        wanted = needs.of(env, project=project.code())
    except NotFound as error:
        wanted = None
        yield unknown("settings", str(error))
    try:
        cloud = target.connect(aws=True)
    except BotoCoreError as error:
        yield missing("credentials", sentence(error), advice=account.SIGN_IN)
        return
    yield from account.checks(cloud, env, needs=wanted)


def _print(found: list[Check]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in found:
        said = Text(each.said)
        if each.advice:
            said.append(f" {each.advice}", style="bold" if each.status is Status.MISSING else "dim")
        table.add_row(Text(each.status, style=STYLES[each.status]), each.name, said)
    terminal.out().print(table)
    lacking, unsure = (
        ", ".join(dict.fromkeys(each.name for each in found if each.status is status))
        for status in (Status.MISSING, Status.UNKNOWN)
    )
    end = f"Missing: {lacking}." if lacking else "Nothing is missing."
    terminal.out().print(Text(end + (f" Not found out: {unsure}." if unsure else "")), soft_wrap=True)
