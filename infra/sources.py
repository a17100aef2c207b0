"""Which files are deployed with which part, those of recipes from outside among them, and the hash of all of them.

`python -m infra.sources FOLDER training_container` writes what an image is built from, for other builders than the CDK.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from infra import outside_recipes, stage_code

# Where the packages of this project are: the repository, or where they were installed.
ROOT = Path(__file__).resolve().parents[1]
RECIPES = "recipes"
SHARED = ("trainyard", RECIPES)
FUNCTIONS = "lambdas"
SHELLS = (FUNCTIONS, "glue_jobs", "processing_container", "training_container")
STAGE_CODE = f"{FUNCTIONS}/stage_code.json"
# What people look at never runs in the cloud, and documents change nothing there: editing them deploys nothing.
LEFT_OUT = ("trainyard/cli", "trainyard/client", "trainyard/console")
SUFFIXES = {".py", ".txt", ".j2", ".css", ".json", ""}
IMAGE_LOCKS = tuple(ROOT / each / "requirements.txt" for each in ("processing_container", "training_container"))


def files(*folders: str) -> Iterator[Path]:
    """The deployed files of `folders`, relative to the project's root, in a fixed order."""
    for folder in sorted(folders):
        for path in sorted((ROOT / folder).rglob("*")):
            relative = path.relative_to(ROOT)
            left_out = "__pycache__" in relative.parts or relative.as_posix().startswith(LEFT_OUT)
            if path.is_file() and path.suffix in SUFFIXES and not left_out:
                yield relative


def copy(target: Path, *folders: str) -> None:
    """Copy the deployed files of `folders` to `target`, keeping their paths; with the recipes those from outside."""
    for path, source in _with_stage_code(*folders).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, str):
            (target / path).write_text(source, encoding="utf-8")
        else:
            shutil.copyfile(source, target / path)


@cache
def staged(*folders: str) -> str:
    """A folder with a copy of the deployed files of `folders`, until this program ends."""
    target = tempfile.mkdtemp(prefix="trainyard-deployed-")
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    copy(Path(target), *folders)
    return target


def code_version() -> str:
    """Twelve hex digits that change with any deployed file; written beside every model."""
    digest = hashlib.sha256()
    for path, source in _sources(*SHARED, *SHELLS).items():
        content = source.encode() if isinstance(source, str) else source.read_bytes()
        digest.update(path.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:12]


def _sources(*folders: str) -> Mapping[str, Path | str]:
    """What is deployed by the path it will have: a file, or the text of one."""
    found: dict[str, Path | str] = {each.as_posix(): ROOT / each for each in files(*folders)}
    if RECIPES not in folders:
        return found
    reserved = {*SHARED, *SHELLS, "infra", "state_machines", "local_cloud"}
    return {**found, **outside_recipes.files(reserved=reserved, locks=IMAGE_LOCKS)}


def _with_stage_code(*folders: str) -> Mapping[str, Path | str]:
    """The same, and with the functions which code each stage runs: they are not deployed with all of it."""
    found = _sources(*folders)
    if FUNCTIONS not in folders:
        return found
    return {**found, STAGE_CODE: stage_code.text(_sources(*SHARED, *SHELLS))}


if __name__ == "__main__":
    copy(Path(sys.argv[1]), *SHARED, *sys.argv[2:])
