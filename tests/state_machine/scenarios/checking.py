"""Checks of the requests to an endpoint for drift."""

from __future__ import annotations

from tests.state_machine.scenarios.answers import PUBLISHED, model_data, plan, processing_job, result
from tests.state_machine.scenarios.training import START_RETRAINING, compared
from tests.state_machine.scenarios.ways import EXECUTION, START, Scenario, Scenarios, self_described, way

CHECK = ["Profile kept requests", "Compare with training", "Retrain?"]
TELL = ["Anything to tell?", "Notify of requests", "Requests checked"]


def checks() -> Scenarios:
    """Requests of an endpoint beside what its model learned from."""
    run, served = "20261121-061500-c4ec4ed0", "20261121-024833-1a2b3c4d"
    start = {"recipe": "prod2vec", "dataset": "model in use", "task": "check_drift", "folder": "raw", "overrides": {}}
    version = {"data": model_data("train", served, f"dev-train-{served}-0a0b0c0d"), "run_id": served}
    asked = plan(run, dataset="model in use", outcome="check_drift", score=True, version=version)
    learned = {"recipe": "prod2vec", "dataset": "shop", "task": "train", "folder": "raw", "overrides": {}}
    answers = {
        "Resolve request": [asked],
        "Profile kept requests": [processing_job("check", run)],
        "Find version to retrain with": [self_described("check_drift-1")],
        "Start retraining": [result(ExecutionArn=f"{EXECUTION}drift-{run}", StartDate=1795237200.0)],
        "Notify of requests": [PUBLISHED],
    }
    found = {
        "nothing moved": compared("None of 4 columns moved."),
        "moved": compared("1 of 4 columns moved.", 1, news=True),
        "too few": compared("Nothing was compared: expected at least 200 rows.", news=True),
        "retrain": compared("1 of 4 columns moved.", 1, news=True, retrain=learned),
    }

    def checked(what: str, *states: str) -> Scenario:
        given = answers | {"Compare with training": [found[what]]}
        return way(f"check_drift-{what}", start, given, [*START, *CHECK, *states], started="2026-11-21T06:15:00.000Z")

    told = ["Were requests checked?", *TELL]
    nothing = "Nothing was compared: endpoint trainyard-dev-prod2vec has kept no requests of the last 24 hours."
    none_kept = plan(run, dataset="model in use", outcome="none_kept", reason=nothing, score=True, version=version)
    end = {"started": "2026-11-21T06:15:00.000Z"}
    return {
        "requests that have not moved are no news": checked(
            "nothing moved", "Were requests checked?", "Anything to tell?", "Requests checked"
        ),
        "requests that moved are told": checked("moved", *told),
        "too few requests are told": checked("too few", *told),
        "that no requests were kept is told": way(
            "check_drift-none", start, answers | {"Resolve request": [none_kept]}, [*START, *TELL[1:]], **end
        ),
        "requests that moved start a retraining": checked("retrain", *START_RETRAINING, *TELL),
    }
