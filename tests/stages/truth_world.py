"""Predictions of two models and what became true of them, in a bucket as a deployment has it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trainyard.contract import chunks
from trainyard.contract.config import to_mapping
from trainyard.contract.truth import TABLE
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Metric, ScoreSummary
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch.capture import folder, partition, shadow_of
from trainyard.run.watch.observed import ObservedQuality, ObservedVerdict
from trainyard.serving.captured_files import SCHEMA
from trainyard.stages.verify.verify import Alarm, verify

ARTIFACTS = "artifacts"
OLD, NEW = "20261001-000000-aaaaaaaa", "20261020-000000-bbbbbbbb"
SCORED = datetime(2026, 11, 1)
VERIFIED = "20261201-000000-cccccccc"
# Ingest gives it to labels without a time.
UPLOADED = datetime(2026, 12, 1)
DAY = timedelta(days=1)
Row = tuple[str, Any, datetime | None]


class Metrics:
    """Stands in for CloudWatch."""

    def __init__(self) -> None:
        self.values: list[tuple[str, float]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Mapping[str, Any]]) -> None:
        for each in MetricData:
            model = "".join(f" of {dimension['Value']}" for dimension in each.get("Dimensions", ()))
            self.values.append((f"{Namespace} {each['MetricName']}{model}", each["Value"]))


@dataclass
class World:
    """A bucket (`s3`, boto3) with models, scorings and requests of one recipe; `root` is for files on this machine."""

    s3: Any
    root: Path
    recipe: str = "propensity"
    dataset: str = "shop"

    def store(self, run_id: str, *, dataset: str = "", task: str = "train") -> RunStore:
        return RunStore(
            self.s3,
            Run(
                recipe=self.recipe,
                run_id=run_id,
                dataset=dataset or self.dataset,
                execution_arn=f"arn:aws:states:us-east-1:111122223333:execution:machine:{run_id}",
                raw_bucket="raw",
                artifacts_bucket=ARTIFACTS,
                fingerprint="f",
                code_version="c",
                files=(),
                config=to_mapping(recipe.config(self.recipe)),
                task=task,  # type: ignore[arg-type]
            ),
        )

    def model(self, run_id: str, *, promised: Metric, primary: str = "auc") -> None:
        """A model that was evaluated."""
        store = self.store(run_id)
        store.write_document(Stage.RESOLVE, store.run)
        store.write_document(Stage.EVALUATE, Comparison(metrics={primary: promised}, primary=primary, run_id=run_id))

    def score(self, moment: datetime, by: str, columns: Mapping[str, Any], *, dataset: str = "") -> None:
        """A bulk scoring: the columns that are given, others are null."""
        store = self.store(f"{moment:%Y%m%d-%H%M%S}-0000{len(dataset):04x}", dataset=dataset, task="score")
        store.write_document(Stage.RESOLVE, store.run)
        store.write_document(Stage.SCORE, ScoreSummary(rows=1, model_run=by))
        schema = chunks.schema(recipe.score_columns(self.recipe))
        rows = len(next(iter(columns.values())))
        table = pa.table({each.name: columns.get(each.name, pa.nulls(rows)) for each in schema}).cast(schema)
        key = f"scores/{self.recipe}/model={self.recipe}/run={store.run.run_id}/part-00000.parquet"
        self._put(key, table)

    def keep(
        self, moment: datetime, by: str, exchanges: Sequence[tuple[str, Any, Any]], *, shadow: bool = False
    ) -> None:
        """Requests that the endpoint kept: what each is called, its row, and the answer; those of one name are one.

        With `shadow`, copies of requests that the model in its shadow answered.
        """
        names = [name for name, _, _ in exchanges]
        rows = [
            {"event_id": name, "inference_id": name, "row": names[:place].count(name), "time": moment, "run": by}
            | {"route": "POST /invocations", "request": json.dumps(asked), "answer": json.dumps(answer)}
            | {"latency_ms": 1.0}
            for place, (name, asked, answer) in enumerate(exchanges)
        ]
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        name = shadow_of(self.recipe) if shadow else self.recipe
        self._put(f"{folder(self.recipe, name)}/{partition(moment)}/{by}.parquet", table)

    def _put(self, key: str, table: pa.Table) -> None:
        path = self.root / "uploaded.parquet"
        pq.write_table(table, path)
        self.s3.upload_file(str(path), ARTIFACTS, key)

    def write_labels(self, ids: Any, labels: Any, times: Any) -> None:
        """The table of labels as ingest leaves it."""
        told = recipe.truth(self.recipe)
        assert told is not None
        kinds = {"boolean": pa.bool_(), "string": pa.string(), "id": pa.string(), "float64": pa.float64()}
        folder = self.root / TABLE
        folder.mkdir(exist_ok=True)
        columns = {
            "id": pa.array(ids, pa.string()),
            "label": pa.array(labels, kinds[told.label]),
            "time": pa.array([each or UPLOADED for each in times], pa.timestamp("us")),
        }
        pq.write_table(pa.table(columns), folder / "part-00000.parquet")

    def run(self, *, in_use: str = NEW) -> tuple[ObservedQuality, list[Any], Metrics]:
        """What these labels say, the joined rows, and what was measured."""
        output, latest, metrics = self.root / "output", self.root / "latest", Metrics()
        for each in (output, latest):
            each.mkdir(exist_ok=True)
        store = self.store(VERIFIED, task="verify")
        alarm = Alarm(cloudwatch=metrics, namespace="yard")
        found = verify(store, self.root / TABLE, in_use=in_use, output=output, latest=latest, alarm=alarm)
        assert ObservedQuality.read(output) == ObservedQuality.read(latest) == found
        assert ObservedVerdict.read(output) == ObservedVerdict.of(found)
        return found, pq.read_table(latest / "rows.parquet").slice(0, 10_000).to_pylist(), metrics

    def verify(self, rows: Sequence[Row], *, in_use: str = NEW) -> tuple[ObservedQuality, list[Any], Metrics]:
        """The same of some labels."""
        self.write_labels(*zip(*rows, strict=True))
        return self.run(in_use=in_use)


def sales(rows: int, *, seed: int, skill: float = 1.3) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a sale, and whether there was one: the lower the `skill`, the less one says of the other."""
    random = np.random.default_rng(seed)
    known = random.normal(size=rows)
    happened = random.random(rows) < 1 / (1 + np.exp(-(skill * known - 1)))
    return 1 / (1 + np.exp(-(1.3 * known - 1))), happened
