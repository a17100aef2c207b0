"""Serving: answers requests with the model in the model folder, in SageMaker, under `docker run` or on a laptop."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

# One request is one small product of matrices: threads would cost more than they bring. Read when numpy is imported.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Made by the Dockerfile.
USER = "trainyard"


def give_up_root(model: Path) -> bool:
    """Become the image's ordinary user; returns whether that was done. Root stays where only root can read the model.

    Outside the image there is no such user, and whoever called goes on as who they are.
    """
    if os.geteuid() != 0 or not all(_open_to_all(each) for each in (model, *model.rglob("*"))):
        return False
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return False
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    return True


def _open_to_all(path: Path) -> bool:
    needed = stat.S_IROTH | stat.S_IXOTH if path.is_dir() else stat.S_IROTH
    return path.stat().st_mode & needed == needed


def main() -> None:
    """Serve until a stop signal comes."""
    from trainyard.run import container
    from trainyard.serving.server import host_of_environment, port_of_environment, serve

    give_up_root(container.model_dir())
    serve(container.model_dir(), host=host_of_environment(), port=port_of_environment())
