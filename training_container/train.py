"""Shell of stage train: hands the folders and hyperparameters of a training job over."""

from __future__ import annotations

from training_container.gpu import require_gpu
from trainyard.run import container
from trainyard.run.run import Run
from trainyard.stages.train import train

CHANNELS = ("train", "validation", "features")


def main() -> None:
    """Run the job."""
    require_gpu()
    train(
        Run.read(container.channel("resolve")),
        {name: container.channel(name) for name in CHANNELS},
        hyperparameters=container.hyperparameters(),
        model_dir=container.model_dir(),
        checkpoints=container.checkpoints(),
    )
