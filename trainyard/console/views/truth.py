"""How good a model's predictions turned out to be, by the labels that came later, beside what was promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client.model import observed
from trainyard.console import pages, quality_chart
from trainyard.console.quality_chart import QualityChart
from trainyard.run.naming import ModelParts
from trainyard.run.watch.observed import ObservedQuality


@dataclass(frozen=True, kw_only=True)
class QualityView:
    """What labels of a data set say, and a chart for each model by its run; None for one with few labels."""

    observed: ObservedQuality
    charts: Mapping[str, QualityChart | None]

    @classmethod
    def of(cls, found: ObservedQuality) -> QualityView:
        return cls(observed=found, charts={each.run_id: quality_chart.chart(each) for each in found.models})


def truth(request: Request) -> Response:
    """Every data set that labels came for, the one told last first."""
    name, deployment = request.path_params["model"], pages.deployment(request)
    recipe = ModelParts.of(name).recipe
    return pages.page(
        request,
        "truth.html.j2",
        title=f"What became true of {name}",
        name=name,
        recipe=recipe,
        found=[QualityView.of(each) for each in observed.newest(deployment, name)],
        command=f"trainyard truth {recipe} --data FILE --dataset NAME{deployment.options}",
    )
