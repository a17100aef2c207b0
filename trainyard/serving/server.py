"""Loads a model folder and serves it until it is told to stop; runs in the training image and on a laptop."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from pathlib import Path

import uvicorn

from trainyard.errors import ConfigError
from trainyard.run import recipe
from trainyard.run.model_archive import ModelCard
from trainyard.serving.application import application
from trainyard.serving.limits import Limits

LOOPBACK = "127.0.0.1"
# Longer than the idle time of the load balancers in front, so that they never send into a closing connection.
KEEP_ALIVE_S = 75
# SageMaker kills a container 30 s after it told it to stop.
SHUTDOWN_S = 25


def port_of_environment() -> int:
    """The port SageMaker asks for, 8080 unless told otherwise. Raises ConfigError when it is no port."""
    text = os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ConfigError([f"Expected a port in SAGEMAKER_BIND_TO_PORT, found {text!r:.60}."])
    return int(text)


def host_of_environment() -> str:
    """Where to listen: what the image says in TRAINYARD_HOST, but on loopback as a process of somebody's machine.

    There TRAINYARD_ML_ROOT stands in for /opt/ml, and the image's variables are set without its walls.
    """
    return LOOPBACK if "TRAINYARD_ML_ROOT" in os.environ else os.environ.get("TRAINYARD_HOST", LOOPBACK)


def serve(model_dir: Path, *, host: str, port: int) -> None:
    """Serve the model in a folder; returns after a stop signal, when the calls in progress are answered.

    Raises ConfigError for limits that are no numbers, JobFailed when the folder holds no model.
    """
    start = time.perf_counter()
    limits = Limits.of_environment()
    card = ModelCard.read(model_dir)
    predictor = recipe.module(card.recipe, "serve").load(model_dir)
    facts = {"recipe": card.recipe, "run_id": card.run_id, "dataset": card.dataset, "metrics": card.metrics}
    app = application(predictor, title=card.recipe, facts=facts, limits=limits)
    # The model lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    print(
        f"Serving {card.recipe} {card.run_id} on http://{host}:{port}, loaded in {time.perf_counter() - start:.1f} s.",
        flush=True,
    )
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="auto",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    # Ctrl-C is how a person ends it; by then the calls in progress are answered.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()
