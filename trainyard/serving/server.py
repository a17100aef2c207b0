"""Loads a model folder and serves it until it is told to stop; runs in the training image and on a laptop."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from trainyard.contract.routes import Predictor
from trainyard.errors import ConfigError, JobFailed, TrainyardError
from trainyard.run import recipe
from trainyard.run.model_archive import ModelCard
from trainyard.run.watch.capture import CapturePlan
from trainyard.serving.application import application
from trainyard.serving.capture import capturing
from trainyard.serving.connection import connection
from trainyard.serving.limits import Limits
from trainyard.serving.parent import GRACE_S, end_with_parent

LOOPBACK = "127.0.0.1"
# Longer than the idle time of the load balancers in front, so that they never send into a closing connection.
KEEP_ALIVE_S = 75
SHUTDOWN_S = GRACE_S - 5


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

    What an endpoint keeps of its requests is said by its variables. Raises ConfigError for limits that are no numbers,
    JobFailed when the folder holds no model that can be loaded or the port is taken.
    """
    end_with_parent()
    start = time.perf_counter()
    limits, capture = Limits.of_environment(), CapturePlan.of_environment()
    with listener(host, port) as bound:
        card = ModelCard.read(model_dir)
        predictor = _loaded(card.recipe, model_dir)
        facts = {"recipe": card.recipe, "run_id": card.run_id, "dataset": card.dataset, "metrics": card.metrics}
        with capturing(capture, run_id=card.run_id) as keeping:
            app = application(predictor, title=card.recipe, facts=facts, limits=limits, capture=keeping)
            # The model lives as long as the process: the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            took = time.perf_counter() - start
            print(f"Serving {card.recipe} {card.run_id} on http://{host}:{port}, loaded in {took:.1f} s.", flush=True)
            run(app, bound, limits=limits, at_the_end=keeping.close if keeping else None)


def listener(host: str, port: int) -> socket.socket:
    """The socket to listen on, which refuses connections until a server does. Raises JobFailed when it is taken."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise JobFailed(f"Expected to listen on {host}, port {port}: {error.strerror}. Choose another port.") from None
    return found


class _Server(uvicorn.Server):
    """Calls something when the last call is answered: then uvicorn raises the stop signal anew, which ends the process.

    So nothing that comes after `run` is sure to happen.
    """

    def __init__(self, config: uvicorn.Config, at_the_end: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._at_the_end = at_the_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._at_the_end is not None:
            self._at_the_end()


def run(app: FastAPI, bound: socket.socket, *, limits: Limits, at_the_end: Callable[[], None] | None = None) -> None:
    """Answer calls that come to a socket until a stop signal comes; `at_the_end` is called when all are answered."""
    config = uvicorn.Config(
        app,
        loop="auto",
        http=connection(limits),
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    # Ctrl-C is how a person ends it; by then the calls in progress are answered.
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, at_the_end).run(sockets=[bound])


def _loaded(name: str, model_dir: Path) -> Predictor:
    try:
        found: Predictor = recipe.module(name, "serve").load(model_dir)
    except TrainyardError:
        raise
    except Exception as error:
        raise JobFailed(
            f"Expected a model of {name} that can be loaded in {model_dir.resolve()}, found files that cannot: "
            f"{type(error).__name__}: {error}"
        ) from error
    return found
