"""Where jobs find the local cloud and keep their files; read from the server's environment, in the server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cloud.state import images_directory, state_directory

CONTAINERS_VARIABLE = "TRAINYARD_CONTAINERS"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every job needs to know about the local cloud it runs in.

    `engine` names a Docker-compatible program when jobs run in real containers, else it is empty. `stop_grace_seconds`
    is the time between SIGTERM and SIGKILL (120 s in SageMaker); `glue_minute_seconds` the length of a minute of a
    Glue job's Timeout, which tests shorten.
    """

    state_dir: Path
    endpoint: str
    ca_bundle: str
    region: str = "us-east-1"
    engine: str = ""
    stop_grace_seconds: float = 120.0
    glue_minute_seconds: float = 60.0

    @property
    def jobs_dir(self) -> Path:
        return self.state_dir / "jobs"

    @property
    def images_dir(self) -> Path:
        return images_directory(self.state_dir)

    @property
    def records_dir(self) -> Path:
        return self.state_dir / "sagemaker"


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the server process that calls it."""
    secure = environ.get("USE_SSL", "0").lower() in {"1", "true"}
    port = environ.get("GATEWAY_PORT", "4566")
    return Settings(
        state_dir=state_directory(environ),
        endpoint=f"{'https' if secure else 'http'}://localhost:{port}",
        ca_bundle=environ.get("AWS_CA_BUNDLE") or environ.get("MINISTACK_SSL_CERT", ""),
        region=environ.get("MINISTACK_REGION", "us-east-1"),
        engine=environ.get(CONTAINERS_VARIABLE, ""),
        stop_grace_seconds=float(environ.get("TRAINYARD_STOP_GRACE_SECONDS", "120")),
        glue_minute_seconds=float(environ.get("TRAINYARD_GLUE_MINUTE_SECONDS", "60")),
    )
