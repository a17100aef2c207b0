"""The registered models: every version with its metric, which one is in use, and another put into its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trainyard.client.model import model_history, promotion
from trainyard.client.model.model_history import MeasuredVersion, ModelHistory
from trainyard.console import pages
from trainyard.run.naming import model_name

MOST_VERSIONS = 50
WIDTH, HEIGHT, MARGIN = 640, 120, 14


@dataclass(frozen=True, kw_only=True)
class Point:
    """One version in the chart: where it is, and from where to where its interval reaches."""

    number: int
    x: float
    y: float
    low: float
    high: float
    in_use: bool


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The primary metric from version to version, in pixels; `top` and `bottom` are the values at its edges."""

    points: Sequence[Point]
    top: float
    bottom: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def line(self) -> str:
        """The points as an SVG polyline has them."""
        return " ".join(f"{each.x:.1f},{each.y:.1f}" for each in self.points)


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """A group of versions with its chart; None where fewer than two have the same metric."""

    history: ModelHistory
    chart: Chart | None

    @property
    def name(self) -> str:
        """How people call it: the name in use where there is one."""
        return model_name(self.history.recipe, model=self.history.model)

    def promote_address(self, version: MeasuredVersion) -> str:
        """The page that asks before a version is put into use."""
        asked = urlencode(
            {"recipe": self.history.recipe, "model": self.history.model, "version": version.version.number}
        )
        return f"/promote?{asked}"


def models(request: Request) -> Response:
    """Every model with its versions, the newest first."""
    found = model_history.histories(pages.deployment(request), limit=MOST_VERSIONS)
    shown = [ModelView(history=each, chart=chart(each.versions)) for each in found]
    return pages.page(request, "models.html.j2", title="Models", models=shown, now=datetime.now(UTC))


def ask(request: Request) -> Response:
    """What putting a version into use means, and the form that does it."""
    asked = request.query_params
    recipe, version, model = asked.get("recipe", ""), asked.get("version", ""), asked.get("model", "")
    named = f" --model {model}" if model else ""
    return pages.page(
        request,
        "promote.html.j2",
        title=f"Put version {version} of {recipe} into use",
        post=f"/promote?{urlencode({'recipe': recipe, 'model': model, 'version': version})}",
        command=f"trainyard promote {recipe} {version}{named}{pages.deployment(request).options}",
        release=f"trainyard release {recipe}{named}{pages.deployment(request).options}",
    )


def promote(request: Request) -> Response:
    """Put the version into use. Raises NotFound and TrainyardError."""
    asked = request.query_params
    promotion.promote(
        pages.deployment(request),
        asked.get("recipe", ""),
        version=asked.get("version", ""),
        model=asked.get("model", ""),
    )
    return RedirectResponse("/models", status_code=303)


def chart(versions: Sequence[MeasuredVersion]) -> Chart | None:
    """The chart of the versions that have the newest one's metric, the oldest first."""
    metric = next((each.metric for each in versions if each.value is not None), "")
    shown = [each for each in reversed(versions) if each.value is not None and each.metric == metric]
    if len(shown) < 2:
        return None
    values = [each.value for each in shown if each.value is not None]
    lows = [each.value if each.low is None else each.low for each in values]
    highs = [each.value if each.high is None else each.high for each in values]
    bottom, top = min(lows), max(highs)
    span = (top - bottom) or 1.0

    def y(value: float) -> float:
        return HEIGHT - MARGIN - (value - bottom) / span * (HEIGHT - 2 * MARGIN)

    step = (WIDTH - 2 * MARGIN) / (len(shown) - 1)
    points = [
        Point(
            number=each.version.number,
            x=MARGIN + place * step,
            y=y(value.value),
            low=y(low),
            high=y(high),
            in_use=bool(each.in_use),
        )
        for place, (each, value, low, high) in enumerate(zip(shown, values, lows, highs, strict=True))
    ]
    return Chart(points=points, top=top, bottom=bottom)
