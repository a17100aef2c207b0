"""The local cloud's server process: MiniStack with what it lacks added, https on one loopback port."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from local_cloud import certificates, ownership
from local_cloud.state import STATE_DIR_VARIABLE, temporary_directory
from trainyard.errors import TrainyardError

logger = logging.getLogger("local_cloud")

REGION = "us-east-1"
ACCOUNT = "000000000000"

# Every module has `install() -> None`; one that runs something also has `shutdown() -> None`.
SEAM_MODULES = (
    "local_cloud.access",
    "local_cloud.alarms",
    "local_cloud.deliveries.install",
    "local_cloud.lambda_errors",
    "local_cloud.step_functions.install",
    "local_cloud.sagemaker.install",
    "local_cloud.glue.install",
    "local_cloud.athena.install",
    "local_cloud.images.ecr",
    "local_cloud.images.bytecode",
)

Around = Callable[[Any], Any]


def services_dir(state_dir: Path) -> Path:
    """Where MiniStack keeps files of its own, and kept snapshots of every service before there was a journal."""
    return state_dir / "services"


def configure(state_dir: Path, port: int) -> certificates.Certificate:
    """Set what MiniStack reads from the environment when it is imported; must run before that import."""
    certificate = certificates.ensure(state_dir / "certificates")
    for name in [name for name in os.environ if name.startswith(("AWS_", "LOCALSTACK_", "MINISTACK_"))]:
        del os.environ[name]
    temporary = temporary_directory(state_dir)
    temporary.mkdir(exist_ok=True)
    tempfile.tempdir = str(temporary)
    os.environ.update(
        {
            "AUTH": "true",
            "USE_SSL": "1",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(services_dir(state_dir)),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state_dir / "s3"),
            "MINISTACK_SSL_CERT": str(certificate.chain),
            "MINISTACK_SSL_KEY": str(certificate.key),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            STATE_DIR_VARIABLE: str(state_dir),
            # Where the next server finds what functions of one that was killed left.
            "TMPDIR": str(temporary),
            # Lambda workers inherit these two; their keys are those of their own role.
            "AWS_ENDPOINT_URL": f"https://localhost:{port}",
            "AWS_CA_BUNDLE": str(certificate.authority),
            # Listeners nobody here uses would collide between two local clouds on one machine.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # MiniStack removes containers it takes for its own: it must never find a Docker engine.
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": f"unix://{state_dir}/no-docker",
        }
    )
    return certificate


def install_seams() -> list[ModuleType]:
    """Add what MiniStack lacks; return the modules that were installed."""
    modules = [importlib.import_module(name) for name in SEAM_MODULES]
    for module in modules:
        module.install()
    return modules


async def serve(port: int, certificate: certificates.Certificate, *, around: Around) -> None:
    """Serve MiniStack's application, with what `around` puts around it, until SIGTERM or SIGINT."""
    from ministack import app

    from local_cloud import connections
    from local_cloud.access import guarded

    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    # MiniStack's own handler exits from inside the signal: what runs would not be told.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    await connections.serve(guarded(around(app.app)), port, certificate=certificate, ending=ending.wait)


def run(state_dir: Path, port: int) -> None:
    """Run the server in this process until a signal ends it."""
    certificate = configure(state_dir, port)
    from local_cloud import old_images, seams
    from local_cloud.jobs import settings
    from local_cloud.journal.install import Recording

    seams.check()
    recording = Recording(state_dir, services=services_dir(state_dir))
    modules = install_seams()
    recording.start()
    old_images.remove(settings.from_environment())
    try:
        asyncio.run(serve(port, certificate, around=recording.around))
    finally:
        for module in modules:
            if hasattr(module, "shutdown"):
                module.shutdown()
        recording.stop()
        shutil.rmtree(temporary_directory(state_dir), ignore_errors=True)


def main() -> None:
    """Command line of `python -m local_cloud.server`."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud.server", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="folder that keeps everything the cloud holds")
    parser.add_argument("--port", type=int, required=True, help="loopback port to serve https on")
    arguments = parser.parse_args()
    state_dir = arguments.state_dir.resolve()
    try:
        with ownership.owned(state_dir, arguments.port):
            run(state_dir, arguments.port)
    except TrainyardError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
