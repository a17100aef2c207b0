"""Calls the recipe's `fit` and keeps what evaluation and serving need; runs in the training image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainyard.contract.tabular import metrics
from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.examples import Examples
from trainyard.contract.tabular.features import Encoder
from trainyard.contract.tabular.inference import TrainedModel
from trainyard.contract.tabular.own_modules import own, package_of
from trainyard.contract.training.progress import metric, progress


def train(
    channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: TabularConfig
) -> dict[str, float]:
    """`validation_loss` and the metrics of evaluation on the validation rows; a fit of seconds needs no checkpoint."""
    encoder = Encoder.load(channels["features"])
    learned, judged = (Examples.load(channels[each], encoder) for each in ("train", "validation"))
    progress(0.1, f"fitting {len(learned.labels):,} rows of {len(learned.names)} inputs")
    fitted = own(package_of(config), "model").fit(learned, judged, config=config)
    TrainedModel(encoder=encoder, fitted=fitted).save(model_dir, package=package_of(config))
    predictions = fitted.predict(judged.inputs)
    found = metrics.evaluated(predictions, judged.labels, classes=encoder.classes, primary=config.gate.primary).metrics
    validation = {f"validation_{name}": value for name, value in found.items()}
    validation["validation_loss"] = metrics.loss(predictions, judged.labels, classes=encoder.classes)
    for name, value in validation.items():
        metric(name, value)
    progress(1.0, "fitted")
    return validation
