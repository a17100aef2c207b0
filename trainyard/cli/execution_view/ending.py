"""Prints how an execution ended: what it made, or what was wrong and what to do about it; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.execution_view import decision, scores, truth, waiting
from trainyard.cli.execution_view.exit_codes import exit_code
from trainyard.cli.execution_view.failure import print_failure
from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.reused import reuse_of
from trainyard.client.model import approval
from trainyard.client.run import artifacts, cost
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.contract.quality import QUALITY_FILE
from trainyard.contract.report import HIGHLIGHTS_FILE
from trainyard.run.costs import prices
from trainyard.run.files import PAGE_FILE
from trainyard.run.naming import ModelParts
from trainyard.run.outcome import Outcome
from trainyard.run.stage import Stage
from trainyard.run.tracking import MlflowRun

REFUSED = "was refused; nothing was trained and the files stay where they are."
# What came of an execution that ends as a failure, and what to do.
FAILURE_WORDS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.BAD_REQUEST: (f"The request {REFUSED}", "Fix this, then start or upload again."),
    Outcome.BAD_DATA: (
        f"The data {REFUSED}",
        "Fix this and upload again: a new version of the files starts a new run.",
    ),
    Outcome.NO_MODEL: ("Nothing was scored.", "Train one with `trainyard run {recipe}`, then score again."),
    Outcome.CHILDREN_FAILED: (
        "Some child executions failed; they stopped no other.",
        "Once the reasons are fixed, redrive each of them by its own name; see `trainyard executions`.",
    ),
    Outcome.ROLLED_BACK: (
        "The model is registered, but its deployment was rolled back.",
        "See `trainyard endpoints` for what is in service, and `trainyard release` to try again.",
    ),
}
Output = Mapping[str, Any]


def print_ending(deployment: Deployment, execution: Execution, *, visits: Sequence[StateVisit]) -> int:
    """Print the end of an execution; returns the exit code."""
    out = terminal.out()
    if execution.running:
        out.print(Text(f"{execution.name} is still running; watch it with `trainyard show {execution.name} --follow`."))
    elif execution.end is not None:
        _print_outcome(deployment, execution, end=execution.end, visits=visits, out=out)
    elif execution.status == "SUCCEEDED":
        _print_nothing(execution.output if isinstance(execution.output, Mapping) else {}, out)
    else:
        print_failure(deployment, execution, visits=visits, out=out)
    return exit_code(execution)


def _print_outcome(
    deployment: Deployment, execution: Execution, *, end: Outcome, visits: Sequence[StateVisit], out: Console
) -> None:
    match end:
        case Outcome.REGISTERED | Outcome.REFUSED:
            _print_model(deployment, execution, visits=visits, out=out)
        case Outcome.WAITING:
            _print_model(deployment, execution, visits=visits, out=out)
            _print_standing(deployment, execution.output)
        case Outcome.REVERTED:
            _print_reverted(execution.output, out)
        case Outcome.SCORED:
            scores.print_scored(deployment, execution.output, out=out)
        case Outcome.VERIFIED:
            truth.print_verified(deployment, execution.output, out=out)
        case Outcome.DEPLOYED:
            _print_deployed(execution.output, out)
        case Outcome.CHECKED:
            scores.print_checked(deployment, execution.output, out=out)
        case Outcome.SUPERSEDED:
            _print_superseded(execution.output, out)
        case Outcome.CHILDREN:
            _print_children(execution.output, out)
        case Outcome.NOTHING:
            _print_nothing(execution.output, out)
        case _:
            _print_failure(execution, end, out=out)


def _print_model(deployment: Deployment, execution: Execution, *, visits: Sequence[StateVisit], out: Console) -> None:
    output, decided = execution.output, execution.decision
    run = artifacts.of_run(deployment, output["recipe"], run_id=output["run_id"])
    if decided is not None:
        decision.print_checks(decided, out)
        decision.print_scores(decided, out)
    highlights = run.json(Stage.REPORT, HIGHLIGHTS_FILE)
    if isinstance(highlights, Mapping):
        decision.print_highlights(highlights, out)
    _print_warnings(run, out)
    reuse = reuse_of(visits)
    for sentence in reuse.sentences if reuse else ():
        out.print(Text(f"Of the stages: {sentence}", style="dim"), soft_wrap=True)
    out.print()
    out.print(Text.assemble(("Artifacts  ", "bold"), run.uri), soft_wrap=True)
    out.print(Text.assemble(("Report     ", "bold"), run.uri_of(Stage.REPORT, PAGE_FILE)), soft_wrap=True)
    logged = run.document(Stage.REPORT, MlflowRun)
    if logged is not None and logged.page:
        out.print(Text.assemble(("MLflow     ", "bold"), logged.page), soft_wrap=True)
    scores.print_scored_beside_model(run, out)
    if output.get("endpoint"):
        out.print(Text.assemble(("Endpoint   ", "bold"), str(output["endpoint"])), soft_wrap=True)
    spent = cost.of_visits(deployment.target, visits, region=deployment.target.region)
    where = " for these times in AWS" if deployment.target.local else ""
    elsewhere = "" if prices.in_table(spent.region) else f", at {spent.prices}"
    out.print(Text.assemble(("Cost       ", "bold"), f"{spent.words}{where}{elsewhere}"), soft_wrap=True)
    out.print(Text(f"Fetch them with `trainyard artifacts {output['run_id']} --download DIR`.", style="dim"))


def _print_warnings(run: RunArtifacts, out: Console) -> None:
    """What is worth knowing of the data, which could be used all the same, and how their files were read."""
    quality = run.json(Stage.INGEST, QUALITY_FILE)
    if not isinstance(quality, Mapping):
        return
    for warning in quality.get("warnings", ()):
        out.print(Text(f"Of the data: {warning}", style="yellow"), soft_wrap=True)
    for note in quality.get("notes", ()):
        out.print(Text(f"Of the data: {note}", style="dim"), soft_wrap=True)


def _print_standing(deployment: Deployment, output: Output) -> None:
    """What has become of a version that asked for approval: decisions are made after the execution has ended."""
    version = approval.version_of(deployment, str(output["run_id"]))
    if version.waiting:
        waiting.print_waiting(deployment, [version])
        return
    note = f": {version.note}" if version.note else ""
    said = f"Version {version.number} has been {version.approval.lower()} since{note}. See `trainyard models`."
    terminal.out().print(Text(said), soft_wrap=True)


def _print_reverted(output: Output, out: Console) -> None:
    out.print()
    out.print(Text(str(output["reason"]), style="bold yellow"), soft_wrap=True)


def _print_nothing(output: Output, out: Console) -> None:
    out.print(Text(f"Nothing was done: {output.get('reason', 'the execution gave no reason')}."))


def _print_children(output: Output, out: Console) -> None:
    """How each child execution of a fan-out ended; each can be shown like any other."""
    out.print()
    out.print(Text("Every child execution succeeded.", style="bold green"))
    for child in output["children"]:
        out.print(Text(f"  {child['name']} {child['outcome']}: {child['reason']}"), soft_wrap=True)
    out.print(Text(f"Show one with `trainyard show {output['run_id']}-NAME`.", style="dim"))


def _print_deployed(output: Output, out: Console) -> None:
    out.print()
    out.print(Text(f"The model of run {output['run_id']} is in service: {output['endpoint']}.", style="bold green"))
    if shadow := output.get("shadow"):
        out.print(Text(shadow), soft_wrap=True)


def _print_superseded(output: Output, out: Console) -> None:
    run_id, newer = output["run_id"], output["newer_run"]
    out.print()
    out.print(Text(f"The model of run {run_id} was not put into service: that of run {newer} is newer."))
    named = ModelParts.of(str(output.get("model", ""))).model
    release = f"trainyard release {output['recipe']}" + (f" --model {named}" if named else "")
    out.print(Text(f"Put that one into service with `{release}`.", style="dim"))


def _print_failure(execution: Execution, end: Outcome, *, out: Console) -> None:
    """What came of an execution that a state ended as a failure, why, and what to do."""
    title, advice = FAILURE_WORDS[end]
    out.print()
    out.print(Text(title, style="bold red"))
    for reason in (execution.cause or "no reason was given").splitlines():
        out.print(Text(f"  • {reason}"), soft_wrap=True)
    out.print(Text(advice.format(name=execution.name, recipe=execution.recipe), style="dim"))
