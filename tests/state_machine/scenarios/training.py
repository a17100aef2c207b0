"""Trainings and bulk scorings, and what is refused before them."""

from __future__ import annotations

import json
from typing import Any

from tests.state_machine.scenarios.answers import (
    NONE,
    PUBLISHED,
    Answer,
    champion,
    error,
    function,
    glue_run,
    image,
    model,
    package,
    plan,
    processing_job,
    quality,
    result,
    s3_object,
    training_job,
    tuning_job,
)
from tests.state_machine.scenarios.ways import (
    EXECUTION,
    IN_USE,
    NOTIFY,
    START,
    Answers,
    Scenarios,
    self_described,
    upload,
    way,
)

LOOK = ["Find finished stages", "What is there?"]
INGEST = ["Ingest raw data", "Read data quality", "Check data quality"]
PREPARED = ["Record prepared data", "Build training examples", "Record training examples", "Tune?"]
PREPARE = ["Train or score?", "Record ingested data", "Prepare training data", *PREPARED]
SEARCH = ["Tune hyperparameters", "Analyse tuning", "Describe best model"]
COMPARE = ["Find champion", "Compared with it already?", "Evaluate model", "Gate", "Good enough?"]
TRAIN = [*START, *LOOK, *INGEST, *PREPARE, "Train model", *COMPARE]
NEW_MODEL = ["Move champion pointer", "Create model", "Read model card", "Own group?"]
NOTE = ["Register model", "In use now?", "Note package of champion"]
REGISTER = [*NEW_MODEL, *NOTE]
RECORD = ["Record in database?", "Record in database"]
REPORT = ["Is report written?", "Write report", "Log run elsewhere?", "Log run elsewhere", "Promoted?"]
PROMOTE = [*TRAIN, *REGISTER, "Record in database?", *REPORT, "Deploy?"]
PROMOTE_AND_RECORD = [*TRAIN, *REGISTER, *RECORD, *REPORT, "Deploy?"]
REFUSE = [*REPORT, "Report refused model", "Model refused"]
SCORE_AND_COMPARE = [
    *("Score every row", "Read summary of scores", "Add scores to catalogue", "Compare with training", "Retrain?")
]
SCORE = [*SCORE_AND_COMPARE, "Were requests checked?", "Notify of scores"]
CHAMPION = champion("20261107-024833-00000001")
CONFLICT = error("DynamoDB.ConditionalCheckFailedException", "The conditional request failed")
PROMOTED = function(
    promote=True,
    summary="hit_rate_at_10 0.221 (was 0.203), better by 0.018 [0.009, 0.027]",
    message="prod2vec: a better model.\nhit_rate_at_10 0.221 [0.212, 0.230]",
    reasons=["hit_rate_at_10 is at least 0.02.", "It beats the champion."],
    metrics={"hit_rate_at_10": 0.2211, "mrr": 0.113},
    standing="better than item co-occurrence",
)
REFUSED = function(
    promote=False,
    summary="hit_rate_at_10 0.201 is no better than 0.203",
    message="prod2vec: the model was refused.\nhit_rate_at_10 0.201 [0.192, 0.210]",
    reasons=["The interval of the difference, [-0.011, 0.007], contains 0."],
    metrics={"hit_rate_at_10": 0.201, "mrr": 0.101},
)


def trained(run: str, *, version: int = 3, **settings: Any) -> Answers:
    """Answers to a training that is promoted over a champion, registered, recorded, and told of."""
    return {
        "Resolve request": [plan(run, **settings)],
        "Find finished stages": [found()],
        **{
            f"Record {each}": [function(recorded=True)]
            for each in ("ingested data", "prepared data", "training examples")
        },
        "Ingest raw data": [glue_run("ingest")],
        "Read data quality": [quality()],
        "Prepare training data": [glue_run("prepare")],
        "Build training examples": [processing_job("process", run)],
        "Train model": [training_job("train", run, f"dev-train-{run}-8f14e45f")],
        "Find champion": [CHAMPION],
        "Evaluate model": [processing_job("evaluate", run)],
        "Gate": [PROMOTED],
        "Create model": [model(run)],
        "Read model card": [result(Body=json.dumps({"model_overview": {"model_creator": "the shop"}}))],
        "Register model": [package(version)],
        "Move champion pointer": [NONE],
        "Note package of champion": [NONE],
        "Record in database": [glue_run("register")],
        "Write report": [processing_job("report", run)],
        "Log run elsewhere": [processing_job("mlflow", run)],
        **{each: [PUBLISHED] for each in ("Notify", "Report refused model", "Report bad data", "Report missing model")},
    }


def found(start: str = "ingest", *, waits_for: str = "", **reused: str) -> Answer:
    """What there is of the stages before training."""
    left = [each for each in ("ingest", "prepare", "process") if each not in reused]
    computed = dict.fromkeys(left, "hyperparameters.topics 20 -> 30")
    return function(start=start, reused=reused, computed=computed, waits_for=waits_for)


def unlogged() -> Scenarios:
    """Runs that a server of somebody else's does not take: the model is registered all the same."""
    run = "20261121-130000-0e0e0e0e"
    causes = {
        "a job": error("States.TaskFailed", json.dumps({"ExitMessage": "no way", "FailureReason": "exit code: 1"})),
        "a job that says nothing": error("States.TaskFailed", json.dumps({"FailureReason": "no way"})),
        "SageMaker": error("SageMaker.AmazonSageMakerException", "no way"),
    }
    registered = [*PROMOTE, *NOTIFY, "Model registered"]
    return {
        f"a run that cannot be logged, by {who}": way(
            f"unlogged-{who}", upload(66), trained(run) | {"Log run elsewhere": [answer]}, registered
        )
        for who, answer in causes.items()
    }


def reuses() -> Scenarios:
    """Trainings that need not compute every stage, and functions that cannot tell."""
    run, other = "20261121-120000-0c0c0c0c", "20261121-115900-0d0d0d0d"
    answers, two = trained(run), {"ingest": other, "prepare": other}
    busy = found(waits_for="arn:aws:states:us-east-1:111122223333:execution:trainyard-dev-training:other")
    there = [*START, *LOOK, "Read data quality", "Check data quality", "Train or score?"]
    rest = [*PROMOTE[PROMOTE.index("Train model") :], *NOTIFY, "Model registered"]
    fault = error("States.Timeout", "States.Timeout")
    recorded = [each for each in answers if each.startswith("Record ") and each != "Record in database"]
    return {
        "all stages before training are reused": way(
            "reused-3",
            upload(90),
            answers | {"Find finished stages": [found("train", **two, process=other)]},
            [*there, "Tune?", *rest],
        ),
        "ingest and prepare are reused": way(
            "reused-2",
            upload(91),
            answers | {"Find finished stages": [found("process", **two)]},
            [*there, *PREPARED[1:], *rest],
        ),
        "ingest alone is reused": way(
            "reused-1",
            upload(92),
            answers | {"Find finished stages": [found("prepare", ingest=other)]},
            [*there, "Prepare training data", *PREPARED, *rest],
        ),
        "another execution is at work on the same, and then has done it": way(
            "reused-later",
            upload(93),
            answers | {"Find finished stages": [busy, busy, found("train", **two, process=other)]},
            [*START, *2 * [*LOOK, "Wait for other execution"], *there[len(START) :], "Tune?", *rest],
        ),
        "stages that cannot be found or recorded are computed": way(
            "not-reused",
            upload(94),
            answers | {each: [fault] for each in ("Find finished stages", *recorded)},
            [*START, LOOK[0], *INGEST, *PREPARE, *rest],
        ),
    }


def trainings() -> Scenarios:
    first = trained("20261121-024833-1a2b3c4d", version=1) | {"Find champion": [NONE]}
    noise = trained("20261121-060000-11112222", register=True) | {"Gate": [REFUSED]}
    better = trained("20261121-070000-33334444", register=True)
    return {
        "an upload trains the first model": way(
            "9c1f7a52-6c1e-4b9e-9d0c-4a7b9d3f2a10_1", upload(60), first, [*PROMOTE, *NOTIFY, "Model registered"]
        ),
        "a better model takes over": way(
            "takeover", upload(66), better, [*PROMOTE_AND_RECORD, *NOTIFY, "Model registered"]
        ),
        "a model within noise of the champion is refused": way(
            "refused", upload(65), noise, [*TRAIN, *RECORD, *REFUSE], retries={"Train model": 3}
        ),
        "a search, redriven, beats the champion but is overtaken and then refused": way(
            "by-hand-7",
            {"recipe": "prod2vec", "dataset": "winter sale ü", "overrides": {"tune": True}},
            tuned("20261121-030000-99aabbcc"),
            [
                *[*START, *LOOK, *INGEST, *PREPARE, *SEARCH, *COMPARE],
                *["Move champion pointer", *COMPARE, "Record in database?", *REFUSE],
            ],
            redrives={"RedriveCount": 2},
            retries={"Tune hyperparameters": 1},
        ),
    }


def tuned(run: str) -> Answers:
    """Answers to a search whose model beats the champion, but not the one that took its place meanwhile."""
    job = f"dev-tune-{run.split('-')[2]}-8f14e45f"
    best = f"{job}-003-5d41402a"
    return trained(run, version=2, dataset="winter sale ü", tune=True) | {
        "Tune hyperparameters": [tuning_job(job, best)],
        "Analyse tuning": [processing_job("analyse", run)],
        "Describe best model": [training_job("tune", run, best)],
        "Find champion": [CHAMPION, champion("20261121-025900-00000002")],
        "Evaluate model": [processing_job("evaluate", run), processing_job("evaluate", run, "c9f0f895")],
        "Gate": [PROMOTED, REFUSED],
        "Move champion pointer": [CONFLICT],
    }


def faults() -> Scenarios:
    """Services that fail and recover, and a champion that is overtaken before its version is noted."""
    run = "20261121-080000-55556666"
    job = {"TrainingJobName": "train-1", "TrainingJobStatus": "Failed"}
    capacity = json.dumps(job | {"FailureReason": "CapacityError: Unable to provision requested ML compute capacity."})
    glue = json.dumps({"Id": "jr_1", "JobRunState": "ERROR", "ErrorMessage": "Internal service error : try again"})
    slow = "Please reduce your request rate. (Service: S3, Status Code: 503, Request ID: A1)"
    rate = "Rate exceeded (Service: SageMaker, Status Code: 400, Request ID: B2)"
    good = trained(run)
    answers = good | {
        "Ingest raw data": [error("States.TaskFailed", glue), *good["Ingest raw data"]],
        "Read data quality": [error("S3.S3Exception", slow), *good["Read data quality"]],
        "Train model": [error("States.TaskFailed", capacity)] * 2 + good["Train model"],
        "Register model": [error("SageMaker.SageMakerException", rate), *good["Register model"]],
        "Note package of champion": [CONFLICT],
    }
    tried = ["Ingest raw data", "Read data quality", "Train model", "Train model", "Register model"]
    path = [*PROMOTE, *NOTIFY, "Model registered"]
    for each in tried:
        at = path.index(each)
        path[at:at] = [each, f"Wait to {each[0].lower()}{each[1:]} again"]
    return {"faults of services are waited for": way("faults", upload(67), answers, path)}


def named() -> Scenarios:
    """Models that people gave names of their own: each has its champion and its group, made by its first run."""
    run, own = "20261121-100000-0a0a0a0a", "prod2vec--shop-north"
    named = {"model": own, "short_name": own, "group_name": own, "own_group": True}
    first = trained(run, version=1, **named) | {"Find champion": [NONE]}
    made = result(ModelPackageGroupArn=f"arn:aws:sagemaker:us-east-1:111122223333:model-package-group/{own}")
    exists = error("SageMaker.SageMakerException", f"Model Package Group already exists: {own} (Service: SageMaker)")
    busy = error("SageMaker.SageMakerException", "Rate exceeded (Service: SageMaker, Status Code: 400, Request ID: C3)")
    create, look = [*TRAIN, *NEW_MODEL, "Create group"], "Group there?"
    rest = [*NOTE, "Record in database?", *REPORT, "Deploy?", *NOTIFY]
    return {
        "the first model of a name makes its group": way(
            "named", upload(70), first | {"Create group": [made]}, [*create, *rest, "Model registered"]
        ),
        "another model of a name finds its group, once the service has time": way(
            "named-again",
            upload(71),
            first | {"Create group": [busy, exists]},
            [*create, look, "Wait for group", "Create group", look, *rest, "Model registered"],
        ),
    }


def settlings() -> Scenarios:
    """Sets that are still being uploaded when an execution looks."""
    where = {"recipe": "prod2vec", "dataset": "demo", "objects": {"products.csv": "p1"}}
    unsettled = {"outcome": "settle", "reason": "Data set demo has changed just now; it is looked at again in 4 s."}
    first = function(**unsettled, **where, wait_seconds=4, waited_seconds=0, seen="5e88")
    again = function(**unsettled, **where, wait_seconds=3, waited_seconds=4, seen="af12")
    reason = "superseded by the upload of products.csv, whose execution goes on"
    over = function(outcome="nothing", reason=reason, **where, waited_seconds=4)
    run = "20261121-110000-0b0b0b0b"
    last = plan(run, waited_seconds=7)
    wait = [*START, "Wait for set to settle"]
    answers = trained(run, version=1) | {"Find champion": [NONE], "Resolve request": [first, again, last]}
    return {
        "the last upload of a set waits until it has settled": way(
            "settles", upload(72), answers, [*wait, *wait, *PROMOTE, *NOTIFY, "Model registered"]
        ),
        "an upload that is followed by another one ends": way(
            "superseded", upload(73), {"Resolve request": [first, over]}, [*wait, *START, "Nothing to do"]
        ),
    }


def refusals() -> Scenarios:
    unknown = "Expected one of the recipes prod2vec; found 'unknown'."
    refused = function(outcome="refused", reason=unknown, recipe="", dataset="")
    waiting = function(outcome="nothing", reason="waiting for products.csv", recipe="prod2vec", dataset="demo")
    wrong = "order_products__prior.csv, line 7: expected a whole number in product_id, found 'x'; fix the line."
    twice = "products.csv: 3 duplicate lines, for example product_id 12."
    both = trained("20261121-040000-deadbeef") | {"Read data quality": [quality(wrong, twice)]}
    one = trained("20261121-050000-0badf00d") | {"Read data quality": [quality(wrong)]}
    bad_data = [*START, *LOOK, *INGEST, "Report bad data", "Bad data"]
    return {
        "an upload under an unknown recipe": way(
            "bad-request",
            upload(61, 'unknown/demo/it\'s "here".csv'),
            {"Resolve request": [refused], "Report bad request": [PUBLISHED]},
            [*START, "Report bad request", "Bad request"],
            cause=unknown,
        ),
        "an incomplete set waits": way(
            "waiting",
            upload(62, "prod2vec/demo/order_products__prior.csv"),
            {"Resolve request": [waiting]},
            [*START, "Nothing to do"],
        ),
        "bad data is refused with its reasons": way(
            "bad-data", upload(63), both, bad_data, cause=f"{wrong}\n{twice}", redrives={"RedriveCount": 0}
        ),
        "one problem alone is a list too": way("bad-data-2", upload(64), one, bad_data, cause=wrong),
    }


def scores(model_run: str) -> Answer:
    """The summary that bulk scoring leaves."""
    similar = "array<struct<product_id:bigint,product_name:string,score:double>>"
    columns = [("product_id", "bigint", "of the catalogue"), ("similar", similar, "the ten nearest products")]
    named = [dict(zip(("Name", "Type", "Comment"), each, strict=True)) for each in columns]
    figures = {"rows": 49688, "files": 1, "bytes": 5242880, "seconds": 12.5}
    return s3_object(figures | {"model_run": model_run, "columns": named})


def scored(run: str, model_run: str) -> Answers:
    return {
        "Find model in use": [champion(model_run)],
        "Find image of model": [image("earlier")],
        "Score every row": [processing_job("score", run)],
        "Read summary of scores": [scores(model_run)],
        "Add scores to catalogue": [result()],
        "Compare with training": [compared(f"None of 4 columns moved since run {model_run}.")],
        "Notify of scores": [PUBLISHED],
    }


def compared(text: str, moved: int = 0, *, news: bool = False, **retrain: Any) -> Answer:
    return function(text=text, moved=moved, news=news, **retrain)


TO_SCORE = ["Find image of model", "Deploy or score?", *INGEST, "Train or score?"]
SCORED = ["Was a model trained?", "Data scored"]
SCORING = [*TO_SCORE, *SCORE, *SCORED]
START_RETRAINING = ["Find version to retrain with", "Start retraining", "Were requests checked?"]
RETRAIN = [*START_RETRAINING, "Notify of scores"]


def scorings() -> Scenarios:
    run, trained_run = "20261121-050000-aabbccdd", "20261121-051500-5c0e5c0e"
    start = {"recipe": "prod2vec", "dataset": "demo", "task": "score", "folder": "score", "overrides": {}}
    answers = trained(run, outcome="score", score=True) | scored(run, "20261121-024833-1a2b3c4d")
    both = trained(trained_run, version=1, score=True) | scored(trained_run, trained_run)
    there = error("Glue.AlreadyExistsException", "Partition already exists. (Service: Glue, Status Code: 400)")
    no_model = "Expected a registered model prod2vec to score with, found none; train one that passes the gate first."
    started = "2026-11-21T05:00:00.000Z"
    learned = {"recipe": "prod2vec", "dataset": "shop", "task": "train", "folder": "raw", "overrides": {"seed": 7}}
    moved = {
        "Compare with training": [compared("1 of 4 columns moved.", 1, news=True, retrain=learned)],
        "Find version to retrain with": [self_described("score-4f7e")],
    }
    begun = result(ExecutionArn=f"{EXECUTION}drift-{run}", StartDate=1795237200.0)
    begun_before = error("StepFunctions.ExecutionAlreadyExistsException", "Execution Already Exists")
    retrained = [*IN_USE, *TO_SCORE, *SCORE_AND_COMPARE, *RETRAIN, *SCORED]
    return {
        "data that moved start a retraining": way(
            "score-4f7e", start, answers | moved | {"Start retraining": [begun]}, retrained, started=started
        ),
        "a redrive finds the retraining started": way(
            "score-4f7f", start, answers | moved | {"Start retraining": [begun_before]}, retrained, started=started
        ),
        "data are scored with the model in use": way(
            "score-4f7c",
            start,
            answers,
            [*IN_USE, *SCORING],
            started=started,
        ),
        "a model that no package is known of is scored with by the code that is deployed": way(
            "score-4f7d",
            start,
            answers | {"Find model in use": [champion("20261121-024833-1a2b3c4d", version=None)]},
            [*(each for each in [*IN_USE, *SCORING] if each != "Find image of model")],
            started=started,
        ),
        "there is no model to score with": way(
            "score-4f7c",
            start,
            answers | {"Find model in use": [result()]},
            [*IN_USE, "Report missing model", "No model"],
            cause=no_model,
            started=started,
        ),
        "a new model scores the data it learned from, and a redrive finds the partition there": way(
            "51d3b0aa-0c55-4e0c-8a57-5c0e5c0e5c0e_1",
            upload(60),
            both | {"Find champion": [NONE], "Add scores to catalogue": [there]},
            [*PROMOTE, *NOTIFY, *SCORE, "Was a model trained?", "Model registered"],
        ),
    }
