"""One run beyond its states: how it was configured, what its data were like, and what became of its model."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client.model import models, observed
from trainyard.client.run import artifacts, data_profile, model_card, runs
from trainyard.client.run import lineage as lineages
from trainyard.client.run.runs import RunRecord
from trainyard.client.wording import short
from trainyard.console import pages, tabs
from trainyard.run.naming import model_name
from trainyard.run.reuse import Reuse
from trainyard.run.stage import Stage


def configuration(request: Request) -> Response:
    """What was set otherwise than by default, everything that was set, and the commands to run it again."""
    record, options = _record(request), pages.deployment(request).options
    name = record.execution
    return pages.page(
        request,
        "configuration.html.j2",
        title=f"Configuration of run {record.request.run_id}",
        run=record,
        tab="configuration",
        tabs_of=tabs.of_record(record),
        changed=record.changed(),
        champion=_champion(request, record),
        commands=[
            ("Run it again with the same files and the code of now", f"trainyard rerun {short(name)}{options}"),
            ("Train them with another setting", f"trainyard rerun {short(name)} --set PATH=VALUE{options}"),
            ("Fetch everything that it made", f"trainyard artifacts {record.request.run_id} --download DIR{options}"),
        ],
    )


def data(request: Request) -> Response:
    """Files and how they were read, what was noticed and set aside, the columns, and how the rows were split."""
    record = _record(request)
    run = record.artifacts
    return pages.page(
        request,
        "data.html.j2",
        title=f"Data of run {record.request.run_id}",
        run=record,
        tab="data",
        tabs_of=tabs.of_record(record),
        reuse=run.document(Stage.RESOLVE, Reuse),
        profiles=data_profile.profiles(run),
        split=data_profile.split(run),
        prepared=data_profile.prepared(run),
        rejected=data_profile.rejected(run, run.listed_under(data_profile.REJECTED)),
    )


def card(request: Request) -> Response:
    """What the model of the run is for, how good it is and turned out to be, and where it comes from."""
    recipe, run_id = request.path_params["recipe"], request.path_params["run_id"]
    run = artifacts.of_run(pages.deployment(request), recipe, run_id=run_id)
    return pages.page(
        request,
        "card.html.j2",
        title=f"Model card of run {run_id}",
        tab="card",
        tabs_of=tabs.of_artifacts(run),
        card=model_card.view(model_card.document(run), observed.of_version(run)),
    )


def lineage(request: Request) -> Response:
    """What the model of the run came from, and what came of it."""
    recipe, run_id = request.path_params["recipe"], request.path_params["run_id"]
    found = lineages.lineage(pages.deployment(request), recipe, run_id=run_id)
    return pages.page(
        request,
        "lineage.html.j2",
        title=f"Lineage of run {run_id}",
        found=found,
        run=found.run,
        tabs_of=tabs.of_record(found.run),
    )


def _record(request: Request) -> RunRecord:
    return runs.read(pages.deployment(request), request.path_params["recipe"], run_id=request.path_params["run_id"])


def _champion(request: Request, record: RunRecord) -> str:
    """The run of the model in use, when it is another one: it can be compared with."""
    model = str(record.request.config.get("model") or "")
    found = models.find_champion(pages.deployment(request), model_name(record.request.recipe, model=model))
    return found.run_id if found is not None and found.run_id != record.request.run_id else ""
