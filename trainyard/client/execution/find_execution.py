"""Finds the execution that a person means by an ARN, a name, its start, a run id or a word; runs on a laptop."""

from __future__ import annotations

from itertools import islice

from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import Execution, describe, summaries
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.errors import NotFound
from trainyard.run.outcome import Outcome
from trainyard.run.run import Run
from trainyard.run.stage import Stage

LATEST = "latest"
# The one before it.
PREVIOUS = "previous"
# Names and run ids are found among this many executions, the newest first.
SEARCHED = 1000
# Executions that found nothing to do are passed over among this many of the newest.
PASSED_OVER = 25


def find_execution(deployment: Deployment, text: str) -> Execution:
    """The execution that `text` means: an ARN, a name, its unique start, a run id, `latest` or `previous`.

    Raises NotFound.
    """
    if text.startswith("arn:"):
        return describe(deployment.target, text)
    listed = list(islice(summaries(deployment), SEARCHED))
    if text in (LATEST, PREVIOUS):
        return _newest(deployment, [each["executionArn"] for each in listed], place=int(text == PREVIOUS))
    exact = [each for each in listed if each["name"] == text]
    matching = exact or [each for each in listed if each["name"].startswith(text)]
    if len(matching) > 1:
        names = ", ".join(each["name"] for each in matching[:5])
        raise NotFound(
            f"Expected one execution whose name starts with {text!r}, found {len(matching)}: {names}. Give more of it."
        )
    arn = matching[0]["executionArn"] if matching else _of_run(deployment, text)
    if arn is None:
        raise NotFound(
            f"Expected an execution's ARN, name, start of a name, run id, `latest` or `previous`; found {text!r}, "
            f"which is none of {len(listed)} executions. See `trainyard executions`."
        )
    return describe(deployment.target, arn)


def _newest(deployment: Deployment, arns: list[str], *, place: int) -> Execution:
    """The newest execution that does something, or the one at a later place among those.

    Those that found nothing to do are passed over; the newest may be one of them where there is no other.
    """
    described = (describe(deployment.target, arn) for arn in arns[:PASSED_OVER])
    working = list(islice((each for each in described if each.end is not Outcome.NOTHING), place + 1))
    if len(working) > place:
        return working[place]
    if arns and not place:
        return describe(deployment.target, arns[0])
    found = "only one" if working else "none yet"
    raise NotFound(f"Expected an execution, found {found}; start one with `trainyard run RECIPE`.")


def _of_run(deployment: Deployment, run_id: str) -> str | None:
    """The execution that made a run, from the request kept with the run."""
    s3 = deployment.target.client("s3")
    bucket = deployment.artifacts_bucket
    for recipe in s3.list_objects_v2(Bucket=bucket, Delimiter="/").get("CommonPrefixes", []):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{recipe['Prefix']}{run_id}", MaxKeys=1).get("Contents", [])
        if found:
            run = RunArtifacts(deployment=deployment, prefix="/".join(found[0]["Key"].split("/")[:2]))
            request = run.json(Stage.RESOLVE, Run.FILE)
            return str(request["execution_arn"]) if request else None
    return None
