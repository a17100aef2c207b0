"""The project as a company installs it: wheels in an environment of their own, called in a folder without a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Installed:
    """An environment with the project's wheel; `folder` is an empty one, in which its commands are called."""

    environment: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    def call(self, *arguments: str | Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """A command of the command line, with nothing that leads to the clone that the tests are in."""
        program = self.python.with_name("trainyard")
        own = {"TRAINYARD_CACHE_DIR": str(self.environment / "cache")}
        return subprocess.run(
            [program, *arguments],
            cwd=self.folder,
            env={name: value for name, value in variables.items() if name != "PYTHONPATH"} | own,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
        )

    def install(self, source: Path, scratch: Path) -> None:
        """Build the wheel of a project, and install it without what it needs."""
        built = subprocess.run(
            [sys.executable, "-c", BUILD, scratch], cwd=source, capture_output=True, text=True, check=True
        )
        wheel = scratch / built.stdout.splitlines()[-1]
        uv = [find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-deps"]
        subprocess.run([*uv, "--python", self.python, wheel], capture_output=True, text=True, check=True)


def install(folder: Path) -> Installed:
    """The project, and what it needs from the tests' environment: nothing is downloaded."""
    made = Installed(folder / "environment", folder / "empty")
    made.folder.mkdir()
    venv.create(made.environment, symlinks=True)
    paths = {"base": str(made.environment), "platbase": str(made.environment)}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    # A folder that is named in such a file is searched last, and its own .pth files, that of the clone, are not read.
    (packages / "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    made.install(copied_sources(folder / "source"), folder)
    _give_npm_packages(made)
    return made


def copied_sources(target: Path) -> Path:
    """What the wheel is built from: building leaves files beside its sources."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    for pattern in setuptools["packages"]["find"]["include"]:
        package = pattern.rstrip("*")
        shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    beside = [each for patterns in setuptools["data-files"].values() for each in patterns]
    for path in [ROOT / "pyproject.toml", ROOT / "README.md", *(found for each in beside for found in ROOT.glob(each))]:
        (target / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / path.relative_to(ROOT))
    return target


def _give_npm_packages(made: Installed) -> None:
    """Those of the clone, where the first deployment would install the same from their lock."""
    code = "from trainyard.client import project; print(project.cdk_folder())"
    own = {**os.environ, "TRAINYARD_CACHE_DIR": str(made.environment / "cache")}
    asked = subprocess.run(
        [made.python, "-P", "-c", code], cwd=made.folder, env=own, capture_output=True, text=True, check=True
    )
    cache = Path(asked.stdout.strip())
    cache.mkdir(parents=True)
    shutil.copyfile(ROOT / "cdk.json", cache / "cdk.json")
    (cache / "node_modules").symlink_to(ROOT / "node_modules")
