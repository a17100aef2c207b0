"""What an environment needs of its account, asked of the CDK app's settings in a program of its own; on a laptop."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainyard.errors import ConfigError, NotFound
from trainyard.run.document import decoded

# The package is not imported here: the shared package knows no infrastructure, and loading it takes seconds.
PROGRAM = "infra.account"
SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Needs:
    """`account` and `region` are None where it may go anywhere; machines are grouped by the quota that counts them."""

    account: str | None
    region: str | None
    must_tell: bool
    tells: bool
    glue_workers: int
    processing: Sequence[str]
    training: Sequence[str]
    spot_training: Sequence[str]


def of(env: str, *, project: Path) -> Needs:
    """The needs of an environment of the project; raises ConfigError for one that its settings do not have."""
    asked = subprocess.run(
        [sys.executable, "-m", PROGRAM, env], cwd=project, capture_output=True, text=True, timeout=SECONDS
    )
    if asked.returncode == 0:
        return decoded(Needs, json.loads(asked.stdout))
    told = asked.stderr.strip().splitlines() or ["it said nothing"]
    if "Traceback" in asked.stderr:
        raise NotFound(f"Expected `python -m {PROGRAM} {env}` to say what it needs: {told[-1]}. Run `make setup`.")
    raise ConfigError(told)
