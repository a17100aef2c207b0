"""Labels of earlier predictions, which an upload sets beside these."""

from __future__ import annotations

from typing import Any

from tests.state_machine.scenarios.answers import NONE, PUBLISHED, Answer, champion, image, processing_job, s3_object
from tests.state_machine.scenarios.training import TO_SCORE, trained
from tests.state_machine.scenarios.ways import IN_USE, Scenario, Scenarios, upload, way

VERIFY = ["Set truth beside predictions", "Read observed quality", "Report observed quality", "Predictions verified"]


def observed(*, worse: bool) -> Answer:
    """The document that the job leaves, as far as the machine reads it."""
    message = "The model prod2vec in use is as good as promised."
    return s3_object({"version": 1, "worse": worse, "labels": 2000, "judged": 1900, "message": message})


def verifications() -> Scenarios:
    """Predictions that keep what the evaluation promised, or not, and labels where no model is in use."""
    run = "20261121-071500-7ab07ab0"
    answers = trained(run, outcome="verify", score=True) | {
        "Find model in use": [champion("20261121-024833-1a2b3c4d")],
        "Find image of model": [image("earlier")],
        "Set truth beside predictions": [processing_job("verify", run)],
        "Report observed quality": [PUBLISHED],
    }

    def verified(name: str, *, worse: bool) -> Scenario:
        given = answers | {"Read observed quality": [observed(worse=worse)]}
        return way(name, uploaded, given, [*IN_USE, *TO_SCORE, *VERIFY])

    uploaded: dict[str, Any] = upload(71)
    uploaded["detail"]["object"]["key"] = "truth/prod2vec/demo/truth.csv"
    missing = "Expected a registered model prod2vec to judge, found none; train one that passes the gate first."
    return {
        "labels say that a model is as good as promised": verified("truth-1", worse=False),
        "labels say that a model is worse than promised": verified("truth-2", worse=True),
        "there is no model to judge": way(
            "truth-3",
            uploaded,
            answers | {"Find model in use": [NONE]},
            [*IN_USE, "Report missing model", "No model"],
            cause=missing,
        ),
    }
