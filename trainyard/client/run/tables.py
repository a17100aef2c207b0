"""Reads Parquet tables of a deployment as pandas data frames, in a notebook or a program; runs on a laptop.

pandas comes with the extra `notebook` and is imported when a table is read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.client.run import artifacts
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.naming import ModelParts
from trainyard.run.settings.suggestion import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

PARQUET = ".parquet"
# A table of several files is the folder that they lie in.
PART = re.compile(r"part-\d+.*")
INSTALL = (
    "Expected pandas and pyarrow, which read tables; found no {found}. Install them: pip install 'trainyard[notebook]'."
)


def tables(run: RunArtifacts, under: str = "") -> dict[str, list[str]]:
    """The keys of each Parquet table that a run left, by its path: `report/embeddings`, `ingest/orders`.

    Only those whose path begins with `under`.
    """
    found: dict[str, list[str]] = {}
    for each in run.listed_under(under):
        if each.key.endswith(PARQUET):
            path = each.key.removeprefix(f"{run.prefix}/").removesuffix(PARQUET)
            folder, _, name = path.rpartition("/")
            found.setdefault(folder if PART.fullmatch(name) else path, []).append(each.key)
    return found


def table(run: RunArtifacts, name: str) -> pd.DataFrame:
    """A table of a run by its name or the end of its path: `embeddings`, `holdout/queries`.

    Raises NotFound where there is none or several of the name, TrainyardError where pandas is not installed.
    """
    known = tables(run)
    matching = [path for path in known if f"/{path}".endswith(f"/{name}")]
    if len(matching) == 1:
        return frame(run.deployment, run.deployment.artifacts_bucket, keys=known[matching[0]])
    if matching:
        raise NotFound(f"Expected one table called {name!r}, found {', '.join(matching)}. Give more of its path.")
    similar = did_you_mean(name, [path.rpartition("/")[2] for path in known])
    raise NotFound(
        f"Expected a table of the run {run.prefix}, found none called {name!r}; there are "
        f"{', '.join(known) or 'none yet'}.{similar}"
    )


def scores(deployment: Deployment, model: str) -> pd.DataFrame:
    """What the newest bulk scoring with a model wrote, by the name that the model has in the ledger.

    Only complete scorings are in the catalogue. Raises NotFound where the model has scored nothing yet.
    """
    address = urlsplit(_newest(deployment, model)[1])
    listed = artifacts.listed(deployment, f"{address.path.strip('/')}/")
    return frame(deployment, address.netloc, keys=[each.key for each in listed if each.key.endswith(PARQUET)])


def scored_by(deployment: Deployment, model: str) -> RunArtifacts:
    """The run of the newest bulk scoring with a model. Raises NotFound where the model has scored nothing yet."""
    return artifacts.of_run(deployment, ModelParts.of(model).recipe, run_id=_newest(deployment, model)[0])


def _newest(deployment: Deployment, model: str) -> tuple[str, str]:
    """The run of the newest scoring with a model, and where its rows are."""
    if found := _partitions(deployment, model):
        return max(found.items())
    raise NotFound(
        f"Expected scores of the model {model}, found none; make some with `trainyard score`. See `trainyard models`."
    )


def frame(deployment: Deployment, bucket: str, *, keys: Sequence[str]) -> pd.DataFrame:
    """The rows of Parquet files, in the order of their keys. Raises TrainyardError where pandas is not installed."""
    try:
        import pandas as pd
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise TrainyardError(INSTALL.format(found=error.name)) from error
    s3 = deployment.target.client("s3")
    parts = [pd.read_parquet(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in sorted(keys)]
    return joined(parts)


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of data frames with the same columns, one after the other."""
    import pandas as pd

    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _partitions(deployment: Deployment, model: str) -> Mapping[str, str]:
    """The S3 URIs of the scorings with a model by their runs, which sort by time."""
    pages = (
        deployment.target.client("glue")
        .get_paginator("get_partitions")
        .paginate(
            DatabaseName=deployment.scores_database,
            TableName=ModelParts.of(model).recipe,
            Expression=f"model = '{model}'",
        )
    )
    try:
        listed = [each for page in pages for each in page["Partitions"]]
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            raise
        return {}
    return {each["Values"][1]: each["StorageDescriptor"]["Location"] for each in listed if each["Values"][0] == model}
