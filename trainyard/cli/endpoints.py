"""`trainyard endpoints`: the models in service; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client.model.endpoints import Endpoint, listed
from trainyard.pages import formats

STYLES = {"InService": "green", "Failed": "red", "UpdateRollbackFailed": "red"}


def endpoints(env: EnvOption = "dev", aws: AwsOption = False, *, as_json: JsonOption = False) -> None:
    """List the models in service: the run that trained each, its status, its machines, and since when.

    Under the table it is said how far updates are, and what answers in the shadow of a model.

    Example: `trainyard endpoints`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = listed(deployment)
    if as_json:
        terminal.print_json([asdict(each) for each in found])
    elif found:
        terminal.out().print(_table(found))
        for each in (each for each in found if each.progress):
            terminal.out().print(Text(f"{each.name} {each.progress}"), soft_wrap=True)
        for each in (each for each in found if each.shadow):
            terminal.out().print(Text(f"{each.name}: {each.shadow}"), soft_wrap=True)
        for each in (each for each in found if each.reason):
            terminal.out().print(Text(f"{each.name}: {each.reason}", style="red"), soft_wrap=True)
    else:
        terminal.out().print("No model is in service. Deploy one: `trainyard release RECIPE`.")


def _table(found: Sequence[Endpoint]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Endpoint", "Run", "Status", "Type", "Since"):
        table.add_column(column, overflow="fold")
    for each in found:
        status = Text(each.status, style=STYLES.get(each.status, "cyan"))
        table.add_row(each.name, each.run or each.model, status, each.kind, formats.moment(each.since))
    return table
