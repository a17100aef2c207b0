"""One model in use as a notebook or a program holds it: asked, promoted and rolled back; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from trainyard.client.captured import records
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.model import endpoints, models, observed, promotion, scoring, shadow
from trainyard.client.model.models import Champion
from trainyard.client.model.promotion import Promotion
from trainyard.client.run import tables
from trainyard.client.run.started_run import StartedRun
from trainyard.run.naming import ModelParts
from trainyard.run.registry import Version
from trainyard.run.settings.paths import nested
from trainyard.run.watch.drift import DataDrift
from trainyard.run.watch.observed import ObservedQuality
from trainyard.serving.wire import JSON

if TYPE_CHECKING:
    import pandas as pd

NO_SETTINGS: Mapping[str, Any] = {}


@dataclass(frozen=True)
class DeployedModel:
    """A model by the name that the ledger has: its recipe, with a variant or a name of its own where it has one."""

    deployment: Deployment = field(repr=False)
    name: str

    @property
    def in_use(self) -> Champion | None:
        """The run whose model is in use, None while none has passed the gate."""
        return models.find_champion(self.deployment, self.name)

    @property
    def versions(self) -> list[Version]:
        """The registered versions, the newest first; the variants of a recipe share them."""
        return list(models.versions(self.deployment, self._recipe, model=self._own_name))

    def predict(
        self, rows: Mapping[str, Any] | Iterable[Mapping[str, Any]] | pd.DataFrame, *, inference_id: str = ""
    ) -> list[Any]:
        """The answers of its endpoint to some rows, one for each; a row holds what the recipe's README says.

        By `inference_id`, a name of the caller's, the request is found again where the endpoint keeps it. Raises
        NotFound without an endpoint, JobFailed in the words of the model that refused a row.
        """
        body = json.dumps({"instances": _instances(rows)}).encode()
        name = endpoints.name_for(self.deployment, self.name)
        answer = json.loads(
            endpoints.invoke(self.deployment, name, body=body, content_type=JSON, inference_id=inference_id)
        )
        predictions: list[Any] = answer["predictions"]
        return predictions

    def scores(self) -> pd.DataFrame:
        """The rows that the newest bulk scoring with it wrote. Raises NotFound."""
        return tables.scores(self.deployment, self.name)

    def drift(self) -> DataDrift | None:
        """What moved in the data that were scored last since it was trained, and in its answers.

        None where nothing was compared. Raises NotFound where it has scored nothing yet.
        """
        return scoring.drift(tables.scored_by(self.deployment, self.name))

    def truth(self) -> list[ObservedQuality]:
        """How good its predictions turned out to be, of each data set that labels came for, the newest first."""
        return observed.newest(self.deployment, self.name)

    def check_drift(self, settings: Mapping[str, Any] = NO_SETTINGS, *, hours: int | None = None) -> StartedRun:
        """Start to set the requests that its endpoint kept of the last `hours` beside what it learned from.

        `settings` are as those of a run, by path. Once the run that is returned has ended, its `drift` says what moved.
        """
        own = {"model": self._own_name} if self._own_name else {}
        looking_back = {} if hours is None else {"drift.hours": hours}
        overrides = nested({**settings, **looking_back, **own})
        arn, _ = scoring.check_requests(self.deployment, self._recipe, overrides=overrides)
        return StartedRun(self.deployment, executions.describe(self.deployment.target, arn))

    def captured(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        newest: int | None = None,
        shadow: bool = False,
    ) -> pd.DataFrame:
        """What its endpoint kept of requests and answers; see `trainyard.client.captured.records.captured`."""
        return records.captured(self.deployment, self.name, since=since, until=until, newest=newest, shadow=shadow)

    def shadow(self, *, newest: int = shadow.NEWEST, tolerance: float = shadow.TOLERANCE) -> pd.DataFrame:
        """What it and the version in its shadow answered to the same requests, a row for each row of these.

        See `trainyard.client.model.shadow.SideBySide.rows`, and `side_by_side` for what is compared and what is raised.
        """
        return shadow.side_by_side(self.deployment, self.name, newest=newest, tolerance=tolerance).rows

    def promote(self, version: int | str) -> Promotion:
        """Put a version into use, by its number or run; see `trainyard.client.model.promotion.promote`."""
        return promotion.promote(self.deployment, self._recipe, version=str(version), model=self._own_name)

    def rollback(self, to: int | str | None = None) -> Promotion:
        """Put the version before the one in use into use again; see `trainyard.client.model.promotion.rollback`."""
        return promotion.rollback(
            self.deployment,
            self._recipe,
            to=None if to is None else str(to),
            variant=ModelParts.of(self.name).variant,
            model=self._own_name,
        )

    @property
    def _recipe(self) -> str:
        return ModelParts.of(self.name).recipe

    @property
    def _own_name(self) -> str:
        return ModelParts.of(self.name).model


def _instances(rows: Mapping[str, Any] | Iterable[Mapping[str, Any]] | pd.DataFrame) -> list[Any]:
    """Rows as the JSON of a request; those of a data frame as its own types have them."""
    if hasattr(rows, "to_json"):
        found: list[Any] = json.loads(rows.to_json(orient="records"))
        return found
    return [dict(rows)] if isinstance(rows, Mapping) else [dict(each) for each in rows]
