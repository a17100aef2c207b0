"""The access key of the local account's root user: made once for each state directory, known to its owner alone."""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local_cloud.state import write_private
from trainyard.errors import TrainyardError

FILE = "root-key.json"
ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, kw_only=True)
class RootKey:
    """What signs requests as the account's root user."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def ensure(state_dir: Path) -> RootKey:
    """The key of a state directory; a new one where there is none yet, or half of one. For the server alone."""
    try:
        return read(state_dir)
    except TrainyardError:
        made = RootKey(access_key_id=_access_key_id(), secret_access_key=secrets.token_urlsafe(30))
        write_private(state_dir / FILE, json.dumps(asdict(made)))
        return made


def read(state_dir: Path) -> RootKey:
    """The key that the server of a state directory made; raises TrainyardError where there is none."""
    path = state_dir / FILE
    try:
        return RootKey(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise TrainyardError(
            f"Expected the local cloud's key in {path}, found {type(error).__name__}; "
            "stop it with `trainyard down` and start it with `trainyard up`, which makes a new one."
        ) from error


def _access_key_id() -> str:
    """An id of the form that AWS gives to long-term keys."""
    return "AKIA" + "".join(secrets.choice(ALPHABET) for _ in range(16))
