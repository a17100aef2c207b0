"""How a SageMaker job ended, in words, from its own description (Describe*Job); pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trainyard.stages.explain_failure.memory import likely_cause

Document = Mapping[str, Any]
# By what names a job: what to call it, its status, and the call that stops it.
KINDS: Mapping[str, tuple[str, str, str]] = {
    "ProcessingJobName": ("processing job", "ProcessingJobStatus", "StopProcessingJob"),
    "TrainingJobName": ("training job", "TrainingJobStatus", "StopTrainingJob"),
    "HyperParameterTuningJobName": (
        "tuning job",
        "HyperParameterTuningJobStatus",
        "StopHyperParameterTuningJob",
    ),
}
# The settings of a job by the verb in its name, which the state machine gives it.
VERB = re.compile(r"(?:^|-)(process|analyse|report|train|tune|evaluate|score|verify|check|mlflow)-[0-9a-f]{8}")
SETTINGS: Mapping[str, str] = {
    "process": "jobs.process",
    "analyse": "jobs.report",
    "report": "jobs.report",
    "train": "jobs.train",
    "tune": "jobs.tune",
    "evaluate": "jobs.evaluate",
    "score": "jobs.score",
    "verify": "jobs.score",
    "check": "jobs.score",
    "mlflow": "jobs.report",
}
# What SageMaker says of an input that is not in S3.
MISSING = re.compile(r"Data download failed.*(?:NoSuchKey|\b404\b|does not exist|No S3 objects found)", re.DOTALL)
# What SageMaker says where the container said nothing, and of a search whose jobs have all failed.
EMPTY = re.compile(
    r"All training jobs failed\b[^:]*|"
    r"(?:AlgorithmError|ClientError|InternalServerError)?[:,\s]*(?:See job logs for more information[.\s]*)?"
    r"(?:,?\s*exit code: \d+)?\s*"
)


def describes(document: Document) -> bool:
    """Whether a description is that of a SageMaker job."""
    return any(document.get(each) for each in KINDS)


def settings_of(name: str) -> str:
    """The settings of the machine that a job of this name runs on.

    >>> settings_of("trainyard-dev-analyse-20261121-020304-abcdef12-01234567")
    'jobs.report'
    """
    verb = VERB.search(name)
    return SETTINGS[verb[1]] if verb else "jobs.<stage>"


def reason(document: Document) -> str:
    """Why the job ended badly: what it said itself, who stopped it, or which limit it ran into."""
    key = next(each for each in KINDS if document.get(each))
    kind, status_key, stop_call = KINDS[key]
    name, status = str(document[key]), str(document.get(status_key, ""))
    second = str(document.get("SecondaryStatus") or "")
    ended = f"{kind.capitalize()} {name} ended as {status}" + (f" ({second})" if second not in ("", status) else "")
    if "MaxWaitTimeExceeded" in (second, status):
        return f"{ended}: {_waited(document, name)}"
    if "MaxRuntimeExceeded" in (second, status) or _ran_out_of_time(document):
        return f"{ended}: {_late(document, name, kind=kind)}"
    if status in ("Stopped", "Stopping"):
        said = f" It said: {_said(document)}" if _said(document) else ""
        return (
            f"{ended}: somebody called {stop_call}, which was not the workflow, for it waited for the job. CloudTrail "
            f"names who did.{said}"
        )
    return _with_cause(_said(document) or f"{ended} without a reason.", name)


def says_little(document: Document) -> bool:
    """Whether it failed and neither SageMaker nor the container said why."""
    failed = any(document.get(status) == "Failed" for _, status, _ in KINDS.values())
    return failed and EMPTY.fullmatch(_said(document)) is not None


def _said(document: Document) -> str:
    """What the container said itself, which of a processing job is its exit message, before what SageMaker adds."""
    failure, message = str(document.get("FailureReason") or ""), str(document.get("ExitMessage") or "")
    return failure if message in failure else f"{message} ({failure})" if not EMPTY.fullmatch(failure) else message


def _with_cause(text: str, name: str) -> str:
    remedy = f"take a machine with more memory ({settings_of(name)}.instance_type), or less data at once"
    return " ".join(each for each in (text, likely_cause(text, remedy=remedy), _gone(text, name)) if each)


def _gone(text: str, name: str) -> str:
    """What to do where a check of requests was given a list of files, and one was gone when the job came to it."""
    verb = VERB.search(name)
    if verb is None or verb[1] != "check" or not MISSING.search(text):
        return ""
    return (
        "What the check was to read is no longer there: kept requests end after the environment's "
        "capture.retention_days, or somebody deleted them. A redrive would look for the same files: start another "
        "check with `trainyard drift RECIPE`."
    )


def _limit(document: Document, key: str) -> str:
    for each in (document, document.get("HyperParameterTuningJobConfig"), document.get("TrainingJobDefinition")):
        limit = each.get("StoppingCondition", {}).get(key) if isinstance(each, Mapping) else None
        limits = each.get("ResourceLimits", {}) if isinstance(each, Mapping) else {}
        limit = limit or limits.get(key)
        if limit:
            return f" of {int(limit):,} s"
    return ""


def _late(document: Document, name: str, *, kind: str) -> str:
    limit = _limit(document, "MaxRuntimeInSeconds")
    each = " of each of its training jobs" if kind == "tuning job" else ""
    return (
        f"it ran longer than its limit{limit}. Raise {settings_of(name)}.max_runtime_s{each}, or give it a faster "
        f"machine ({settings_of(name)}.instance_type)."
    )


def _waited(document: Document, name: str) -> str:
    return (
        f"waiting for spot machines and running on them took longer than its limit"
        f"{_limit(document, 'MaxWaitTimeInSeconds')}, which is twice {settings_of(name)}.max_runtime_s. Redrive when "
        "there is more capacity (it goes on from its checkpoint), raise that setting, or turn spot machines off."
    )


def _ran_out_of_time(document: Document) -> bool:
    """A processing job has no second status: what it says, or its clock against its limit, tells."""
    if "MaxRuntime" in str(document.get("FailureReason") or ""):
        return True
    limit = (document.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
    numbers = [limit, document.get("ProcessingStartTime"), document.get("ProcessingEndTime")]
    if document.get("ProcessingJobStatus") != "Stopped" or not all(isinstance(each, int | float) for each in numbers):
        return False
    seconds, start, end = (float(each or 0) for each in numbers)
    # Step Functions gives moments in milliseconds.
    return end - start >= 1000 * seconds
