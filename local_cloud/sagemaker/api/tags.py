"""Tags of the local SageMaker's resources; runs in the server."""

from __future__ import annotations

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import invalid, not_found
from local_cloud.sagemaker.api.kinds import KINDS, TAGS, TRAINING_JOB

# Added to a spot training job, it does what AWS does unasked; its value is the seconds until there is another machine.
SPOT_INTERRUPTION = "trainyard:spot-interruption"


class Tags:
    """AddTags, ListTags and DeleteTags on everything that has an ARN."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = context.records[TAGS]

    def add(self, request: Request) -> Record:
        """AddTags; answers all tags of the resource."""
        self._require(request["ResourceArn"])
        self._context.tag(request["ResourceArn"], request["Tags"])
        self._interrupt(request)
        return self.list(request)

    def list(self, request: Request) -> Record:
        """ListTags, in one page: AWS allows 50 tags."""
        self._require(request["ResourceArn"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._of(request["ResourceArn"]).items()]}

    def delete(self, request: Request) -> Record:
        """DeleteTags."""
        self._require(request["ResourceArn"])
        kept = {key: value for key, value in self._of(request["ResourceArn"]).items() if key not in request["TagKeys"]}
        self._records.put(request["ResourceArn"], {"Tags": kept})
        return {}

    def _interrupt(self, request: Request) -> None:
        """Take the machine of a spot training job away, where the tag for it is among those that were added."""
        asked = [each["Value"] for each in request["Tags"] if each["Key"] == SPOT_INTERRUPTION]
        name = request["ResourceArn"].rpartition("/")[2]
        job, record = self._context.running[TRAINING_JOB].get(name), self._context.records[TRAINING_JOB].get(name)
        if asked and job is not None and record is not None and record.get("EnableManagedSpotTraining"):
            job.interruption.ask(_seconds(asked[-1]))

    def _of(self, resource: str) -> dict[str, str]:
        tags: dict[str, str] = (self._records.get(resource) or {}).get("Tags", {})
        return tags

    def _require(self, resource: str) -> None:
        word, _, name = resource.split(":", 5)[-1].partition("/")
        records = self._context.records[KINDS[word]] if word in KINDS else ()
        # Model packages are kept by their ARN, which holds a slash more than a name may.
        if name not in records and resource not in records:
            raise not_found(TAGS.title, resource)


def _seconds(value: str) -> float:
    try:
        return float(value or 0)
    except ValueError:
        raise invalid(
            f"Expected seconds without a machine as the value of {SPOT_INTERRUPTION}, found {value!r}."
        ) from None
