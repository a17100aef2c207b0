"""Compiles the libraries of jobs in the background, as an image would bring them; started by the server.

Fast installers leave that to the first import. In a new environment the first jobs would spend ten CPU seconds on it,
while the processor has little to do before: whoever starts a local cloud deploys first.
"""

from __future__ import annotations

import compileall
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

# The large ones, in the order in which the jobs of a run need them.
LIBRARIES = ("ibis", "sqlglot", "tensorflow", "keras", "numpy", "scipy", "gensim", "sklearn", "pandas", "matplotlib")
TESTS = re.compile(r"/tests?/|_test\.py$")
PATIENCE_SECONDS = 5.0
_running: list[subprocess.Popen[bytes]] = []


def install() -> None:
    """Begin with the libraries that nobody has imported yet, where Python may keep what it compiles."""
    if sys.dont_write_bytecode or not (waiting := list(uncompiled(LIBRARIES))):
        return
    command = [sys.executable, "-m", __name__, *map(str, waiting)]
    _running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))


def shutdown() -> None:
    """End it, where it is not done: what is compiled stays, and no module is ever half written."""
    while _running:
        process = _running.pop()
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def uncompiled(libraries: Sequence[str]) -> Iterator[Path]:
    """The folders of those that are installed and whose first module is not compiled."""
    for name in libraries:
        found = importlib.util.find_spec(name)
        if found and found.origin and not Path(importlib.util.cache_from_source(found.origin)).exists():
            yield Path(found.origin).parent


def main() -> None:
    """Command line of `python -m local_cloud.images.bytecode FOLDER ...`: whatever else runs goes first."""
    os.nice(19)
    for folder in sys.argv[1:]:
        # A module that this Python cannot compile, as templates are, is nobody's import either.
        compileall.compile_dir(folder, quiet=2, rx=TESTS)


if __name__ == "__main__":
    main()
