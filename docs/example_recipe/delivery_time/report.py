"""What the run report shows; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recipes.delivery_time.config import Config
from trainyard.pages.page import ReportInputs, Section, Table


def report(inputs: ReportInputs, outputs: Path, config: Config) -> list[Section]:
    """The coefficients, in minutes per standard deviation."""
    names = ("distance_km", "items", "intercept")
    rows = [(name, float(value)) for name, value in zip(names, np.load(inputs.model / "coefficients.npy"), strict=True)]
    return [Section(title="Coefficients", tables=(Table(columns=("feature", "minutes"), rows=rows),))]
