"""Tuning jobs run real training jobs with chosen hyperparameters and find the best one."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..conftest import Cloud
from ..tiny_images import bucket, push, statements, training_request, unique, until_ended

# Without imports beyond the standard library each of these lives for a few hundredths of a second.
PROGRAM = """
import json, os, pathlib, sys, time
ml = pathlib.Path(os.environ["TRAINYARD_ML_ROOT"])
hyper = json.loads((ml / "input/config/hyperparameters.json").read_text())
x = float(hyper["x"])
if hyper.get("mode") == "fail":
    sys.exit(1)
if hyper.get("mode") == "slow":
    # Good jobs end at once; bad ones go on saying so for as long as they are let.
    for step in range(40 if x > 0.5 else 3):
        print(f"loss={x};", flush=True)
        time.sleep(0.05)
else:
    time.sleep(float(hyper.get("seconds", 0)))
    print(f"loss={(x - 0.3) ** 2};", flush=True)
"""


@dataclass
class Tuner:
    cloud: Cloud
    image: str
    bucket: str
    role: str

    def request(self, *, jobs: int = 4, parallel: int = 2, static: dict[str, str] | None = None, **config: Any) -> Any:
        definition = training_request("unused", image=self.image, role=self.role, bucket_name=self.bucket)
        del definition["TrainingJobName"]
        x = {"Name": "x", "MinValue": "0", "MaxValue": "1", "ScalingType": "Linear"}
        return {
            "HyperParameterTuningJobName": unique("tune"),
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
                "ParameterRanges": {"ContinuousParameterRanges": [x]},
                "RandomSeed": 1,
                **config,
            },
            "TrainingJobDefinition": {**definition, "StaticHyperParameters": static or {"mode": "plain"}},
        }

    def tune(self, request: Any, seconds: float = 60) -> dict[str, Any]:
        self.cloud.client("sagemaker").create_hyper_parameter_tuning_job(**request)
        return until_ended(self.cloud, "HyperParameterTuning", request["HyperParameterTuningJobName"], seconds=seconds)

    def jobs(self, name: str, **options: Any) -> list[dict[str, Any]]:
        client = self.cloud.client("sagemaker")
        found = client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **options)
        return found["TrainingJobSummaries"]


@pytest.fixture(scope="module")
def tuner(local_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Tuner:
    name = bucket(local_cloud)
    image = push(local_cloud, tmp_path_factory.mktemp("image"), PROGRAM)
    role = local_cloud.role(unique("tuner"), "sagemaker.amazonaws.com", statements(name))
    return Tuner(local_cloud, image, name, role)


def test_a_tuning_job_runs_training_jobs_and_names_the_best(tuner: Tuner) -> None:
    request = tuner.request(jobs=5)
    done = tuner.tune(request)
    name = request["HyperParameterTuningJobName"]
    assert done["HyperParameterTuningJobStatus"] == "Completed", done
    assert done["TrainingJobStatusCounters"]["Completed"] == 5
    assert done["ObjectiveStatusCounters"] == {"Succeeded": 5, "Pending": 0, "Failed": 0}
    ranked = tuner.jobs(name, SortBy="FinalObjectiveMetricValue", SortOrder="Ascending")
    values = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in ranked]
    assert values == sorted(values)
    assert done["BestTrainingJob"]["TrainingJobName"] == ranked[0]["TrainingJobName"]
    assert values[0] == pytest.approx((float(ranked[0]["TunedHyperParameters"]["x"]) - 0.3) ** 2)
    first = tuner.jobs(name, SortBy="Name", SortOrder="Ascending")[0]["TrainingJobName"]
    assert first.startswith(f"{name}-001-")
    child = tuner.cloud.client("sagemaker").describe_training_job(TrainingJobName=first)
    assert child["TuningJobArn"] == done["HyperParameterTuningJobArn"]
    assert child["HyperParameters"]["_tuning_objective_metric"] == "loss"
    assert child["HyperParameters"]["mode"] == "plain"


def test_never_more_jobs_at_once_than_allowed(tuner: Tuner) -> None:
    request = tuner.request(jobs=4, parallel=2, static={"seconds": "0.3"})
    tuner.tune(request)
    jobs = tuner.jobs(request["HyperParameterTuningJobName"])
    moments = [(each["CreationTime"], 1) for each in jobs] + [(each["TrainingEndTime"], -1) for each in jobs]
    running = most = 0
    for _at, change in sorted(moments):
        running += change
        most = max(most, running)
    assert most == 2


def test_hopeless_jobs_are_stopped_early(tuner: Tuner) -> None:
    request = tuner.request(jobs=10, static={"mode": "slow"}, TrainingJobEarlyStoppingType="Auto", Strategy="Random")
    done = tuner.tune(request)
    assert done["HyperParameterTuningJobStatus"] == "Completed", done
    bad = [
        each
        for each in tuner.jobs(request["HyperParameterTuningJobName"])
        if float(each["TunedHyperParameters"]["x"]) > 0.5
    ]
    assert any(each["TrainingJobStatus"] == "Stopped" for each in bad)
    assert done["TrainingJobStatusCounters"]["Stopped"] >= 1


def test_a_tuning_job_fails_only_when_every_training_job_fails(tuner: Tuner) -> None:
    done = tuner.tune(tuner.request(jobs=2, static={"mode": "fail"}))
    assert done["HyperParameterTuningJobStatus"] == "Failed"
    assert "All 2 training jobs failed" in done["FailureReason"]
    assert done["TrainingJobStatusCounters"]["NonRetryableError"] == 2


def test_stopping_ends_the_training_jobs(tuner: Tuner) -> None:
    client = tuner.cloud.client("sagemaker")
    request = tuner.request(jobs=20, static={"seconds": "60"})
    name = request["HyperParameterTuningJobName"]
    client.create_hyper_parameter_tuning_job(**request)
    while len(tuner.jobs(name)) < 2:
        time.sleep(0.05)
    client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert until_ended(tuner.cloud, "HyperParameterTuning", name)["HyperParameterTuningJobStatus"] == "Stopped"
    assert {each["TrainingJobStatus"] for each in tuner.jobs(name)} == {"Stopped"}


def test_the_target_value_ends_the_search(tuner: Tuner) -> None:
    criteria = {"TargetObjectiveMetricValue": 0.5}
    done = tuner.tune(tuner.request(jobs=20, parallel=1, TuningJobCompletionCriteria=criteria))
    assert done["TrainingJobStatusCounters"]["Completed"] < 20


def test_warm_start_uses_parents_that_exist_and_have_ended(tuner: Tuner) -> None:
    parent = tuner.request(jobs=3)
    tuner.tune(parent)
    child = tuner.request(jobs=2)
    names = [{"HyperParameterTuningJobName": parent["HyperParameterTuningJobName"]}]
    start = {"ParentHyperParameterTuningJobs": names, "WarmStartType": "IdenticalDataAndAlgorithm"}
    assert tuner.tune({**child, "WarmStartConfig": start})["HyperParameterTuningJobStatus"] == "Completed"
    names[0]["HyperParameterTuningJobName"] = "nobody"
    with pytest.raises(ClientError, match="is not a tuning job that has ended"):
        tuner.tune({**tuner.request(), "WarmStartConfig": start})


def test_wrong_requests_are_refused(tuner: Tuner) -> None:
    client = tuner.cloud.client("sagemaker")

    def refused(match: str, **config: Any) -> None:
        with pytest.raises(ClientError, match=match):
            client.create_hyper_parameter_tuning_job(**tuner.request(**config))

    refused("MetricDefinitions", HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "other"})
    refused("categorical ranges only", Strategy="Grid")
    refused("must be Off", Strategy="Hyperband", TrainingJobEarlyStoppingType="Auto")
    refused("MaxNumberOfTrainingJobs", ResourceLimits={"MaxParallelTrainingJobs": 1})
    long = {**tuner.request(), "HyperParameterTuningJobName": "x" * 33}
    with pytest.raises(ClientError, match="less than or equal to 32"):
        client.create_hyper_parameter_tuning_job(**long)


def test_a_state_machine_tunes_and_gets_the_best_job(tuner: Tuner) -> None:
    allowed = [
        {"Effect": "Allow", "Action": ["sagemaker:*", "events:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": tuner.role},
    ]
    role = tuner.cloud.role(unique("machine"), "states.amazonaws.com", allowed)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
        "Arguments": tuner.request(jobs=2),
        "Output": "{% $states.result.BestTrainingJob %}",
        "End": True,
    }
    done = tuner.cloud.run(tuner.cloud.machine(unique("m"), {"StartAt": "Tune", "States": {"Tune": task}}, role))
    assert done["status"] == "SUCCEEDED", done
    best = json.loads(done["output"])
    assert best["TrainingJobStatus"] == "Completed"
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "loss"
