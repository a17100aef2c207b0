"""Tags of the local SageMaker's resources; runs in the server."""

from __future__ import annotations

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import not_found
from local_cloud.sagemaker.api.kinds import KINDS, TAGS


class Tags:
    """AddTags, ListTags and DeleteTags on everything that has an ARN."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = context.records[TAGS]

    def add(self, request: Request) -> Record:
        """AddTags; answers all tags of the resource."""
        self._require(request["ResourceArn"])
        self._context.tag(request["ResourceArn"], request["Tags"])
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

    def _of(self, resource: str) -> dict[str, str]:
        tags: dict[str, str] = (self._records.get(resource) or {}).get("Tags", {})
        return tags

    def _require(self, resource: str) -> None:
        word, _, name = resource.split(":", 5)[-1].partition("/")
        records = self._context.records[KINDS[word]] if word in KINDS else ()
        # Model packages are kept by their ARN, which holds a slash more than a name may.
        if name not in records and resource not in records:
            raise not_found(TAGS.title, resource)
