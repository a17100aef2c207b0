"""What the reports of several runs draw, to be set beside each other: curves of training and pictures; on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainyard.client.run import previews
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.contract.training import curves
from trainyard.errors import NotFound
from trainyard.run.stage import Stage


def training_curves(run: RunArtifacts) -> Mapping[str, Sequence[float]]:
    """The figures of every epoch by metric; none of a run that has not come to its report, or keeps no curves."""
    try:
        content, _ = previews.content(run, f"{Stage.REPORT}/{curves.CURVES_FILE}", most=previews.TEXT_BYTES)
    except NotFound:
        return {}
    return curves.parse(content.decode("utf-8", "replace").splitlines())


def common(runs: Sequence[RunArtifacts]) -> list[str]:
    """The paths, below the folder of a run, of the pictures that every one of the reports has."""
    drawn = [{each.key.removeprefix(f"{run.prefix}/") for each in run.listed()} for run in runs]
    shared = set.intersection(*drawn)
    return sorted(each for each in shared if each.startswith(f"{Stage.REPORT}/") and each.endswith(".png"))
