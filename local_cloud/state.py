"""Where the local cloud keeps what it holds: its state directory, as the server and the docker command find it."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path

from trainyard.errors import ConfigError, TrainyardError

STATE_DIR_VARIABLE = "TRAINYARD_STATE_DIR"
FOLDER_MODE, FILE_MODE = 0o700, 0o600
# What an older local cloud left readable: the folder itself closes everything else.
FOLDERS = ("certificates", "jobs", "services", "s3", "journal", "tmp")
FILES = ("certificates/server.key", "root-key.json", "cloud.json", "server.lock", "server.log")
ANOTHER = f"name a folder of your own with {STATE_DIR_VARIABLE}"


def state_directory(environ: Mapping[str, str]) -> Path:
    """The state directory that the variable names; raises `ConfigError` when it is not set."""
    value = environ.get(STATE_DIR_VARIABLE) or environ.get("STATE_DIR")
    if not value:
        raise ConfigError(
            [f"Expected {STATE_DIR_VARIABLE} to name the local cloud's state directory; start it with `trainyard up`."]
        )
    return Path(value)


def images_directory(state_dir: Path) -> Path:
    """The folder of the container images: written by the docker command, read by the server's jobs."""
    return state_dir / "images"


def temporary_directory(state_dir: Path) -> Path:
    """The folder of the server's own temporary files, above all those of running functions."""
    return state_dir / "tmp"


def prepare(state_dir: Path) -> None:
    """Make the state directory for its owner alone, or close an old one; raises TrainyardError where it cannot be."""
    try:
        state_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        refuse_unfit(state_dir)
        _close(state_dir, FOLDER_MODE)
        for names, mode in ((FOLDERS, FOLDER_MODE), (FILES, FILE_MODE)):
            for name in names:
                _close(state_dir / name, mode)
    except FileExistsError as error:
        raise TrainyardError(
            f"Expected a folder for the local cloud's state, found a file: {state_dir}; move it away, or {ANOTHER}."
        ) from error
    except OSError as error:
        raise TrainyardError(
            f"Expected to make the local cloud's state directory {state_dir}, found: {error.strerror}; "
            f"make it writable, or {ANOTHER}."
        ) from error


def refuse_unfit(state_dir: Path) -> None:
    """Raise TrainyardError for a folder of somebody else, one that others share, and one that cannot be written to."""
    found = state_dir.stat()
    if os.geteuid() not in {0, found.st_uid}:
        raise TrainyardError(
            f"Expected a state directory of your own, found one of the user {user_name(found.st_uid)}: {state_dir}; "
            f"{ANOTHER}."
        )
    if found.st_mode & stat.S_ISVTX or state_dir in {Path.home(), Path("/")}:
        raise TrainyardError(
            f"Expected a folder that only the local cloud uses, found {state_dir}, which holds other things too; "
            f"name a new folder inside it with {STATE_DIR_VARIABLE}."
        )
    if not os.access(state_dir, os.R_OK | os.W_OK | os.X_OK):
        raise TrainyardError(
            f"Expected to write to the state directory {state_dir}, found no permission; "
            f"make it writable, or {ANOTHER}."
        )


def user_name(uid: int) -> str:
    """The name of a user, or the number of one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that only its owner may read."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _close(path: Path, mode: int) -> None:
    """Take away what others may do with a file or folder, if it exists."""
    if path.exists() and not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(mode)
