"""What the run report shows; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

from recipes.delivery_time.config import Config
from recipes.delivery_time.inference import DeliveryTimeModel
from trainyard.contract.report import ReportInputs, Section, Table


def report(inputs: ReportInputs, outputs: Path, *, config: Config) -> list[Section]:
    """The coefficients, in minutes per standard deviation."""
    names = ("distance_km", "items", "intercept")
    coefficients = DeliveryTimeModel.load(inputs.model).coefficients
    rows = [(name, float(value)) for name, value in zip(names, coefficients, strict=True)]
    return [Section(title="Coefficients", tables=(Table(columns=("feature", "minutes"), rows=rows),))]
