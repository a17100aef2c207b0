"""What a run wants a stage to have been made from, and how that differs from what a record says; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainyard.run.run import InputFile, Run
from trainyard.run.settings.read import value_of
from trainyard.run.stage import Stage
from trainyard.run.stage_record import StageRecord, digest

# Groups that mostly no stage before training reads. Who waits for whom goes by it, never what is reused.
MOSTLY_READ_LATER = frozenset(
    {"title", "hyperparameters", "tuning", "tune", "gate", "jobs", "deploy", "score", "model"}
)
MOST_FILES_TOLD = 3


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A stage as a run needs it: of these `inputs` (see `StageRecord`), by this code."""

    run: Run
    stage: Stage
    inputs: str
    code: str

    @property
    def key(self) -> str:
        """Equal for all runs whose stage may be equal, whatever settings it turns out to read."""
        return f"{self.run.recipe}/{self.stage}/{digest(self.inputs, self.code)}"

    @property
    def work(self) -> str:
        """Equal for all runs that would most likely compute the same."""
        early = {name: each for name, each in self.run.config.items() if name not in MOSTLY_READ_LATER}
        return f"{self.key}/{digest(early)}"

    def is_met(self, record: StageRecord) -> bool:
        """Whether a stage was made from exactly this: every setting that it read has the same value here."""
        return (record.inputs, record.code) == (self.inputs, self.code) and not list(self._settings(record))

    def changes(self, record: StageRecord) -> list[str]:
        """How code and settings differ from those of a record, each in some words."""
        code = [f"the code of {self.stage}"] if record.code != self.code else []
        return [*code, *(_setting(path, then=then, now=now) for path, then, now in self._settings(record))]

    def _settings(self, record: StageRecord) -> Iterator[tuple[str, Any, Any]]:
        for path, then in record.settings.items():
            if (now := value_of(self.run.config, path)) != then:
                yield path, then, now


def changed_files(earlier: Run, run: Run) -> list[str]:
    """The files that are not the versions which an earlier run read, in some words."""
    then, now = _versions(earlier.files), _versions(run.files)
    names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    told = [f"file {name}" for name in names[:MOST_FILES_TOLD]]
    return [*told, f"{len(names) - MOST_FILES_TOLD} more files"] if len(names) > MOST_FILES_TOLD else told


def _versions(files: tuple[InputFile, ...]) -> Mapping[str, tuple[str, str]]:
    return {each.name: (each.version_id, each.source) for each in files}


def _setting(path: str, *, then: Any, now: Any) -> str:
    if isinstance(then, Mapping) or isinstance(now, Mapping):
        return path
    return f"{path} {then!r:.40} -> {now!r:.40}"
