"""Which code each stage before training runs, as one digest per recipe and stage; during synthesis.

A stage of a run is reused only by runs whose stage runs the same code. So that an edit elsewhere invalidates nothing,
the digest is one of the files that the stage imports, directly or not, and of what its job installs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.imports import MODULE, imported, path_of, reached
from trainyard.run import recipe, recipe_packages
from trainyard.run.stage import Stage

# A deployed file, or the text of one, by the path that it will have.
Sources = Mapping[str, Path | str]


@dataclass(frozen=True, kw_only=True)
class Job:
    """Where the code of a stage begins: a shell, and the modules of the recipe that it loads by their names.

    Of the recipe's module `prepare` it calls one `function` only, where that is named. `beside` are files that run or
    are installed with it; what they import is not looked at. `runtime` is what it runs on, where no file says it.
    """

    entry: str
    modules: tuple[str, ...]
    beside: tuple[str, ...]
    function: str = ""
    runtime: str = ""


# Python, Spark and the libraries that Glue's jobs find there.
GLUE_VERSION = "5.1"
GLUE = ("glue_jobs/start.py", "glue_jobs/requirements.txt")
IMAGE = ("processing_container/main.py", "processing_container/Dockerfile", "processing_container/requirements.txt")
OUTSIDE = f"{recipe_packages.PACKAGE}/requirements.txt"
PREPARE = Stage.PREPARE.value
JOBS: Mapping[Stage, Job] = {
    Stage.INGEST: Job(
        entry="glue_jobs.ingest",
        modules=("config", PREPARE, "ingest"),
        beside=GLUE,
        function="check",
        runtime=GLUE_VERSION,
    ),
    Stage.PREPARE: Job(entry="glue_jobs.prepare", modules=("config", PREPARE), beside=GLUE, runtime=GLUE_VERSION),
    Stage.PROCESS: Job(entry="processing_container.process", modules=("config", "process"), beside=(*IMAGE, OUTSIDE)),
}


def text(sources: Sources) -> str:
    """The digests of all recipes as JSON: `{recipe: {stage: digest}}`; `sources` is everything that is deployed."""
    code = StageCode(sources)
    found = {name: {str(stage): code.digest(name, stage) for stage in JOBS} for name in recipe.names()}
    return json.dumps(found, indent=1, sort_keys=True)


class StageCode:
    """The deployed files, of which each stage of a recipe runs some."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._imported: dict[str, list[str]] = {}

    def digest(self, name: str, stage: Stage) -> str:
        """Changes with everything that the stage of a recipe may run, and with what is installed for it."""
        digest, part = hashlib.sha256(JOBS[stage].runtime.encode()), self._called_in_part(name, stage)
        for path in sorted(self.paths(name, stage)):
            content = reached(self._content(path), JOBS[stage].function) if path == part else self._content(path)
            digest.update(path.encode() + b"\0" + content.encode() + b"\0")
        return digest.hexdigest()

    def paths(self, name: str, stage: Stage) -> set[str]:
        """The files that a stage of a recipe runs, installs, or may read beside the recipe's modules."""
        package = recipe_packages.package(name)
        # A recipe from outside may share words or modules with others below its outermost package.
        own = self._below(package.partition(".")[0] if name in recipe_packages.offers() else package)
        data = {each for each in own if not each.endswith(MODULE)}
        modules = self._closure([JOBS[stage].entry, *self._modules(name, stage), *self._loaded_by_name(name, own)])
        return modules | data | ({*JOBS[stage].beside} & self._sources.keys())

    def _modules(self, name: str, stage: Stage) -> list[str]:
        return [recipe.module_name(name, each) for each in JOBS[stage].modules]

    def _loaded_by_name(self, name: str, own: set[str]) -> list[str]:
        """Of a recipe that loads modules by their names, or whose authors may do so, all there are."""
        base = recipe_packages.configuration(name).CONFIG.base
        if not base and name not in recipe_packages.offers():
            return []
        return [_module(each) for each in own | (self._below(base) if base else set()) if each.endswith(MODULE)]

    def _called_in_part(self, name: str, stage: Stage) -> str | None:
        """The module of which only a function counts: nothing else that the stage runs may import it."""
        path = path_of(recipe.module_name(name, PREPARE), self._sources) if JOBS[stage].function else None
        others = self.paths(name, stage) - {path} if path else set()
        return None if any(path in self._imports(each) for each in others) else path

    def _closure(self, modules: list[str]) -> set[str]:
        waiting = [path for each in modules if (path := path_of(each, self._sources))]
        found: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += self._imports(path)
        return found

    def _imports(self, path: str) -> list[str]:
        """The deployed modules that a file may import."""
        if path not in self._imported:
            package = path.rpartition("/")[0].replace("/", ".")
            named = imported(self._content(path), package=package) if path.endswith(MODULE) else ()
            self._imported[path] = [found for each in named if (found := path_of(each, self._sources))]
        return self._imported[path]

    def _below(self, package: str) -> set[str]:
        return {each for each in self._sources if each.startswith(package.replace(".", "/") + "/")}

    def _content(self, path: str) -> str:
        source = self._sources[path]
        # What is no text is no module either: only that it changes counts.
        return source if isinstance(source, str) else source.read_bytes().decode("utf-8", "backslashreplace")


def _module(path: str) -> str:
    return path.removesuffix(MODULE).removesuffix("/__init__").replace("/", ".")
