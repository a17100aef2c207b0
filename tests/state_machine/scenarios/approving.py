"""Models that wait for a person's approval, what an approval does, and what a rejection does."""

from __future__ import annotations

from typing import Any

from tests.state_machine.scenarios.answers import (
    NONE,
    PUBLISHED,
    REGION,
    SDK_OK,
    Answer,
    champion,
    function,
    model,
    model_data,
    plan,
    processing_job,
    result,
)
from tests.state_machine.scenarios.deploying import CONFIGURE, IN_SERVICE, NEW, OLD, UPDATE, deployed, endpoint
from tests.state_machine.scenarios.training import CHAMPION, CONFLICT, PROMOTED, REFUSED, TRAIN, trained
from tests.state_machine.scenarios.ways import NOTIFY, START, Answers, Scenario, Scenarios, upload, way

RUN, EARLIER = "20261122-024833-a9940ea1", "20261120-101010-5e6f7a8b"
COMPARED = "20261107-024833-00000001"
WAIT = [
    "Create model",
    "Read model card",
    "Own group?",
    "Register model",
    "In use now?",
    "Write report",
    "Log run elsewhere?",
    "Log run elsewhere",
]
ASK = ["Promoted?", "Ask for approval", "Waiting for approval"]
LOOK = ["Look at version", "Still approved?"]
LOOK_AGAIN = ["Look at version again", "Approved until now?"]
FIND = [*START, "Find champion", "Compared with it already?"]
SAME = [*FIND, "Gate", "Good enough?", "Good enough still?"]
AGAIN = ["Find champion", "Compared with it already?", "Evaluate model", "Gate", "Good enough?", "Good enough still?"]
MOVE = ["Put approved model into use", *LOOK_AGAIN]
RECORD = ["Record in database?", "Is report written?"]
REFUSE = [
    "Reject version",
    *RECORD,
    "Write report",
    "Log run elsewhere?",
    "Log run elsewhere",
    "Promoted?",
    "Report refused model",
    "Model refused",
]
RESOLVE_AGAIN = ["Resolve again", "Roll back?"]
REVERT = ["Put earlier model into use", "Report earlier model", "Is it served?"]
NONE_BEFORE = (
    "Version 3 was rejected and is in use. Expected an approved version before it, found none; it stays in use."
)
IDLE = function(outcome="nothing", reason="version 3 is rejected, and it is not in use", recipe="prod2vec", dataset="")
ALONE = function(outcome="refused", reason=NONE_BEFORE, recipe="", dataset="")
CHANGED = "SageMaker Model Package State Change"


def arn(version: int) -> str:
    return f"arn:aws:sagemaker:{REGION}:model-package/trainyard-dev-prod2vec/{version}"


def event(approval: str, version: int = 3) -> dict[str, Any]:
    """SageMaker's event of a version that a person has decided on."""
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": CHANGED,
        "source": "aws.sagemaker",
        "account": "111122223333",
        "time": "2026-11-25T09:00:14Z",
        "region": "us-east-1",
        "resources": [arn(version)],
        "detail": {
            "ModelPackageGroupName": "trainyard-dev-prod2vec",
            "ModelPackageVersion": version,
            "ModelPackageArn": arn(version),
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": approval,
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
        },
    }


def seen(approval: str) -> Answer:
    """The version as the registry has it now."""
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:training"
    container = {"Image": image, "ModelDataUrl": model_data("train", RUN, "job")}
    return result(
        ModelPackageArn=arn(3),
        ModelPackageName="trainyard-dev-prod2vec/3",
        ModelPackageVersion=3,
        ModelPackageStatus="Completed",
        ModelApprovalStatus=approval,
        InferenceSpecification={"Containers": [container]},
        **SDK_OK,
    )


def version(run: str, number: int) -> dict[str, str]:
    """A version to put into use, as Resolve names it."""
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:training"
    facts = {"package": arn(number), "data": model_data("train", run, "job"), "model_name": f"dev-model-{run}-0a0b0c0d"}
    return facts | {"run_id": run, "image": image}


def approved(**more: Any) -> Answers:
    """Answers to an approval whose model is promoted over the champion that it was compared with."""
    promotion = plan(RUN, outcome="promote", version=version(RUN, 3), compared=COMPARED, objects={}, **more)
    return trained(RUN) | {
        "Resolve request": [promotion],
        "Look at version": [seen("Approved")],
        "Put approved model into use": [NONE],
        "Look at version again": [seen("Approved")],
        "Reject version": [result(ModelPackageArn=arn(3), **SDK_OK)],
    }


def rejected(**more: Any) -> Answers:
    """Answers to the rejection of a version in use; an earlier one takes its place."""
    reason = f"Version 3 of prod2vec, of run {RUN}, was rejected while it was in use."
    rollback = plan(RUN, outcome="roll_back", reason=reason, version=version(EARLIER, 2), objects={}, **more)
    return {
        "Resolve request": [rollback],
        "Put earlier model into use": [NONE],
        "Report earlier model": [PUBLISHED],
        "Create model to deploy": [model(EARLIER, "33334444")],
    }


def approvals() -> Scenarios:
    waits = trained(RUN, approval=True, register=True) | {"Ask for approval": [PUBLISHED]}
    other = champion("20261123-070000-0000000f")
    compared_again = {
        "Find champion": [other],
        "Evaluate model": [processing_job("evaluate", RUN, "c9f0f895")],
        "Write report": [processing_job("report", RUN, "c9f0f895")],
    }
    promoted = ["Promoted?", "Deploy?", *NOTIFY, "Model registered"]
    old, new = endpoint("InService", OLD), endpoint("InService", NEW)
    served = [*CONFIGURE, *UPDATE, *IN_SERVICE, *NOTIFY, "Model registered"]
    return {
        "a model that passes the gate waits for approval": way(
            "waits", upload(80), waits, [*TRAIN, *WAIT, *ASK], started="2026-11-22T02:48:33.412Z"
        ),
        "a model that the gate refuses waits for nobody": way(
            "waits-not",
            upload(81),
            trained("20261122-030000-a9940ea2", approval=True) | {"Gate": [REFUSED]},
            [
                *TRAIN,
                *RECORD,
                "Write report",
                "Log run elsewhere?",
                "Log run elsewhere",
                "Promoted?",
                "Report refused model",
                "Model refused",
            ],
        ),
        "an approved model takes over": approval("approved", approved(), [*SAME, *LOOK, *MOVE, *RECORD, *promoted]),
        "an approved model goes into service": approval(
            "approved-served",
            approved(deploy={}) | deployed(RUN, old, new),
            [*SAME, *LOOK, *MOVE, *RECORD, "Promoted?", "Deploy?", *served],
        ),
        "an approved model is compared again with a champion that is new, and beats it": approval(
            "approved-again",
            approved() | compared_again,
            [
                *START,
                *AGAIN,
                *LOOK,
                *MOVE,
                *RECORD,
                "Write report",
                "Log run elsewhere?",
                "Log run elsewhere",
                *promoted,
            ],
        ),
        "an approved model loses against a champion that is new, and is rejected": approval(
            "approved-late",
            approved() | compared_again | {"Gate": [REFUSED]},
            [*START, *AGAIN, *REFUSE],
        ),
        "two approved at once: the slower one is compared with the quicker": approval(
            "approved-race",
            approved()
            | {
                "Find champion": [CHAMPION, other],
                "Gate": [PROMOTED, REFUSED],
                "Put approved model into use": [CONFLICT],
            },
            [*SAME, *LOOK, "Put approved model into use", *AGAIN, *REFUSE],
        ),
        "an approval is taken back before the pointer moves": approval(
            "approved-not",
            approved() | {"Look at version": [seen("Rejected")], "Resolve again": [IDLE]},
            [*SAME, *LOOK, *RESOLVE_AGAIN, "Nothing to do"],
        ),
        "an approval is taken back while the pointer moves": approval(
            "approved-no-more",
            approved()
            | rejected()
            | {
                "Look at version again": [seen("Rejected")],
                "Resolve request": approved()["Resolve request"],
                "Resolve again": rejected()["Resolve request"],
            },
            [*SAME, *LOOK, *MOVE, *RESOLVE_AGAIN, *REVERT, "Earlier model in use"],
        ),
        "an approval is taken back and there is no earlier model": approval(
            "approved-alone",
            approved()
            | {"Look at version again": [seen("Rejected")], "Resolve again": [ALONE]}
            | {"Report bad request": [PUBLISHED]},
            [*SAME, *LOOK, *MOVE, *RESOLVE_AGAIN, "Report bad request", "Bad request"],
            cause=NONE_BEFORE,
        ),
    }


def approval(execution: str, answers: Answers, path: list[str], **more: Any) -> Scenario:
    return way(f"6d1f-{execution}", event("Approved"), answers, path, started="2026-11-25T09:00:15.100Z", **more)


def rejections() -> Scenarios:
    old, new = endpoint("InService", OLD), endpoint("InService", NEW)
    deploy = ["Create model to deploy", "Is there a challenger?", *CONFIGURE, *UPDATE, *IN_SERVICE]
    return {
        "the version in use is rejected": rejection("rejected", rejected(), [*START, *REVERT, "Earlier model in use"]),
        "the version in use and in service is rejected": rejection(
            "rejected-served",
            rejected(deploy={}) | deployed(EARLIER, old, new),
            [*START, *REVERT, *deploy, "Report deployment", "Model deployed"],
        ),
        "another model comes into use while one is rejected": rejection(
            "rejected-late",
            rejected() | {"Put earlier model into use": [CONFLICT]},
            [*START, "Put earlier model into use", "Nothing to do"],
        ),
        "a rejection that changes nothing": rejection(
            "rejected-idle", {"Resolve request": [IDLE]}, [*START, "Nothing to do"]
        ),
    }


def rejection(execution: str, answers: Answers, path: list[str]) -> Scenario:
    return way(f"7e2a-{execution}", event("Rejected"), answers, path, started="2026-11-26T09:00:15.100Z")
