"""What services answer to the tasks of a training, in the shapes of AWS; names and numbers are made up.

An answer is {"result": ...} or {"error": ..., "cause": ...}.
"""

from __future__ import annotations

import copy
import json
from typing import Any

Answer = dict[str, Any]
REGION = "us-east-1:111122223333"
HTTP_OK = {"SdkHttpMetadata": {"HttpStatusCode": 200}}
SDK_OK = HTTP_OK | {"SdkResponseMetadata": {"RequestId": "0d9c8b7a-6f5e-4d3c-8b2a-1f0e9d8c7b6a"}}
MACHINES = {"instance_type": "ml.m5.xlarge", "instance_count": 1, "volume_gb": 30, "max_runtime_s": 3600}
METRIC = "validation_hit_rate_at_10"
RANGES = {
    "IntegerParameterRanges": [
        {"Name": "embedding_size", "MinValue": "100", "MaxValue": "500", "ScalingType": "Linear"}
    ],
    "ContinuousParameterRanges": [
        {"Name": "learning_rate", "MinValue": "0.005", "MaxValue": "0.5", "ScalingType": "Logarithmic"}
    ],
    "CategoricalParameterRanges": [],
}
PLAN = {
    "outcome": "train",
    "recipe": "prod2vec",
    "model": "prod2vec",
    "short_name": "prod2vec",
    "group_name": "prod2vec",
    "own_group": False,
    "waited_seconds": 0,
    "fingerprint": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    "tune": False,
    "score": False,
    "register": False,
    "jobs": dict.fromkeys(("process", "tune", "train", "evaluate", "report"), MACHINES),
    "hyperparameters": {"embedding_size": "100", "learning_rate": "0.05", "epochs": "20", "negatives": "5"},
    "tuning": {
        "config": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": METRIC},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": RANGES,
            "TrainingJobEarlyStoppingType": "Auto",
            "RandomSeed": 42,
        },
        "static": {"epochs": "20", "negatives": "5"},
        "metrics": [{"Name": METRIC, "Regex": rf"(?:^|\s){METRIC}=([-+0-9.eEinfa]+);"}],
    },
    "objects": {"order_products__prior.csv": "L4kqtJlcpXroDTDmpUMLUo", "products.csv": "null"},
}
DEPLOY = {
    "enabled": False,
    "type": "serverless",
    "memory_mb": 2048,
    "max_concurrency": 5,
    "instance_type": "ml.m5.large",
    "instance_count": 1,
}


def result(**content: Any) -> Answer:
    return {"result": content}


def error(name: str, cause: str) -> Answer:
    return {"error": name, "cause": cause}


def function(**payload: Any) -> Answer:
    """A Lambda function's own answer is the payload."""
    return result(ExecutedVersion="$LATEST", Payload=payload, StatusCode=200, **HTTP_OK)


def plan(run: str, *, dataset: str = "demo", deploy: dict[str, Any] | None = None, **changes: Any) -> Answer:
    """Resolve's plan of a run: a training of prod2vec, unless changed."""
    tags = {"project": "trainyard", "environment": "dev", "recipe": "prod2vec", "dataset": dataset, "run": run}
    payload = copy.deepcopy(PLAN) | {
        "reason": f"All files of data set {dataset} are there.",
        "run_id": run,
        "dataset": dataset,
        "uri": f"s3://trainyard-dev-artifacts/prod2vec/{run}",
        "prefix": f"prod2vec/{run}",
        "deploy": DEPLOY | ({"enabled": True, **deploy} if deploy is not None else {}),
        "tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if changes.get("score"):
        payload["jobs"]["score"] = dict(MACHINES)
    return function(**payload | changes)


def glue_run(job: str) -> Answer:
    return result(
        AllocatedCapacity=2,
        Attempt=0,
        CompletedOn=1795229400000,
        Id="jr_a51cd3b40ee1f3ef4b2a2f0f5bfcd0e1",
        JobName=f"trainyard-dev-{job}",
        JobRunState="SUCCEEDED",
        GlueVersion="5.1",
    )


def s3_object(content: dict[str, Any]) -> Answer:
    """A JSON document that a job left in the bucket."""
    body = json.dumps(content, indent=2)
    return result(
        AcceptRanges="bytes",
        Body=body,
        ContentLength=len(body),
        ContentType="application/json",
        ETag='"9bb58f26192e4ba00f01e2e7b136bbd8"',
        Metadata={},
    )


def quality(*problems: str) -> Answer:
    figures = {} if problems else {"order_products.rows": 200000, "products.rows": 5000}
    return s3_object({"ok": not problems, "problems": problems, "figures": figures})


def processing_job(stage: str, run: str, suffix: str = "8f14e45f") -> Answer:
    name = f"dev-{stage}-{run}-{suffix}"
    arn = f"arn:aws:sagemaker:{REGION}:processing-job/{name}"
    return result(ProcessingJobName=name, ProcessingJobArn=arn, ProcessingJobStatus="Completed", Tags={})


def training_job(stage: str, run: str, name: str) -> Answer:
    return result(
        TrainingJobName=name,
        TrainingJobArn=f"arn:aws:sagemaker:{REGION}:training-job/{name}",
        TrainingJobStatus="Completed",
        ModelArtifacts={"S3ModelArtifacts": model_data(stage, run, name)},
        FinalMetricDataList=[{"MetricName": METRIC, "Value": 0.2211, "Timestamp": 1795230000}],
    )


def tuning_job(name: str, best: str) -> Answer:
    return result(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobStatus="Completed",
        BestTrainingJob={
            "TrainingJobName": best,
            "TrainingJobArn": f"arn:aws:sagemaker:{REGION}:training-job/{best}",
            "TunedHyperParameters": {"embedding_size": "231", "learning_rate": "0.081"},
            "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": METRIC, "Value": 0.2291},
        },
    )


def model_data(stage: str, run: str, job: str) -> str:
    return f"s3://trainyard-dev-artifacts/prod2vec/{run}/{stage}/{job}/output/model.tar.gz"


def model(run: str, suffix: str = "8f14e45f") -> Answer:
    return result(ModelArn=f"arn:aws:sagemaker:{REGION}:model/dev-model-{run}-{suffix}")


def package(version: int) -> Answer:
    return result(ModelPackageArn=f"arn:aws:sagemaker:{REGION}:model-package/trainyard-dev-prod2vec/{version}")


def champion(run: str, *, version: int | None = 1) -> Answer:
    """The ledger's row of the model in use, without a version before its package was noted."""
    row = {
        "id": "champion/prod2vec",
        "run_id": run,
        "model_data": model_data("train", run, f"dev-train-{run}-0a0b0c0d"),
        "model_name": f"dev-model-{run}-0a0b0c0d",
        **({"package": package(version)["result"]["ModelPackageArn"]} if version is not None else {}),
        "promoted_at": "2026-11-07T02:48:33.000Z",
    }
    return result(Item={name: {"S": each} for name, each in row.items()})


def image(tag: str) -> Answer:
    """What the registry says of a version: the image that its model was made with."""
    container = {
        "Image": f"111122223333.dkr.ecr.us-east-1.amazonaws.com/images:{tag}",
        "ModelDataUrl": "s3://a/m.tar.gz",
    }
    return result(InferenceSpecification={"Containers": [container]}, ModelApprovalStatus="Approved", **SDK_OK)


NONE = result(**HTTP_OK)
PUBLISHED = result(MessageId="0f1e2d3c-1111-2222-3333-444455556666", **HTTP_OK)
