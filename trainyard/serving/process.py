"""The service as a process of its own: started with a model, told to stop, and its end explained; runs on a laptop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from trainyard.errors import TrainyardError
from trainyard.serving.parent import GRACE_S, WITH_PARENT

MEMORY = ", as the kernel does when memory runs out: the model, or a request, needs more than is free"


def serve(model_dir: Path, *, port: int, endpoint_type: str, code: Path) -> None:
    """Run the service on a model folder until this process is told to stop; `code` is the folder of its packages.

    The process is that of the training image, with a folder of its own in place of /opt/ml. It ends with this one,
    however this one ends. Raises TrainyardError with the reason when it ends by itself.
    """
    with tempfile.TemporaryDirectory(prefix="trainyard-ml-") as ml, _signals_as_ctrl_c():
        (Path(ml) / "model").symlink_to(model_dir, target_is_directory=True)
        environment = {
            **os.environ,
            "TRAINYARD_ML_ROOT": ml,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "TRAINYARD_ENDPOINT_TYPE": endpoint_type,
            "PYTHONPATH": os.pathsep.join([str(code), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
            WITH_PARENT: "1",
        }
        command = [sys.executable, "-m", "training_container.main", "serve"]
        # In a session of its own, so that Ctrl-C reaches this process alone, which then tells the other one to stop.
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True) as process:
            try:
                ended = process.wait()
            except KeyboardInterrupt:
                _stop(process)
                return
            finally:
                process.kill()
        raise TrainyardError(f"Expected the service to run until it is stopped; {_why(ended, Path(ml))}")


@contextlib.contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """Told to end, or with its terminal closed, this process takes the same way out as after Ctrl-C."""
    former = {each: signal.signal(each, signal.default_int_handler) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the calls in progress be answered; a second Ctrl-C, or the end of the grace, ends them."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(GRACE_S)


def _why(ended: int, ml: Path) -> str:
    """Why a process ended that nobody had told to, from its exit code and from what it left under `ml`."""
    if ended < 0:
        name = signal.Signals(-ended).name
        return f"it was ended by {name}{MEMORY if -ended == signal.SIGKILL else ''}."
    message = ml / "output" / "message"
    return (
        f"it ended: {message.read_text(encoding='utf-8')}" if message.is_file() else f"it ended with exit code {ended}."
    )
