"""What a tuning job tells of its training jobs: summaries, counters and the best one; runs in the server."""

from __future__ import annotations

from collections.abc import Iterable

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.listing import summary
from local_cloud.sagemaker.jobs.lifecycle import ENDED


def child_summary(record: Record, *, tuning: str, objective: dict[str, str]) -> Record:
    """A training job of the tuning job of that name, with the objective's last value as "Value"."""
    members = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime")
    shown = summary(record, *members, "TrainingJobStatus", "TunedHyperParameters", "FailureReason")
    finals = {each["MetricName"]: each["Value"] for each in record.get("FinalMetricDataList", ())}
    value = finals.get(objective["MetricName"]) if record["TrainingJobStatus"] in ENDED - {"Failed"} else None
    if value is not None:
        shown["Value"] = value
        shown["FinalHyperParameterTuningJobObjectiveMetric"] = {**objective, "Value": value}
    pending = record["TrainingJobStatus"] not in ENDED
    shown["ObjectiveStatus"] = "Pending" if pending else "Failed" if value is None else "Succeeded"
    return {**shown, "TuningJobName": tuning}


def counters(children: Iterable[Record]) -> Record:
    """Counters of a tuning job, and its best training job where one has a value."""
    listed = list(children)
    states = [each["TrainingJobStatus"] for each in listed]
    jobs = {state: states.count(state) for state in ("Completed", "Stopped")}
    jobs |= {"InProgress": states.count("InProgress") + states.count("Stopping")}
    jobs |= {"RetryableError": 0, "NonRetryableError": states.count("Failed")}
    objectives = [each["ObjectiveStatus"] for each in listed]
    result: Record = {
        "TrainingJobStatusCounters": jobs,
        "ObjectiveStatusCounters": {each: objectives.count(each) for each in ("Succeeded", "Pending", "Failed")},
    }
    scored = [each for each in listed if "Value" in each]
    if scored:
        minimize = scored[0]["FinalHyperParameterTuningJobObjectiveMetric"]["Type"] == "Minimize"
        best = min(scored, key=lambda each: each["Value"] if minimize else -each["Value"])
        result["BestTrainingJob"] = {key: value for key, value in best.items() if key != "Value"}
    return result
