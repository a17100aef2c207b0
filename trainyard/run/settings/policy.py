"""What an environment lets uploads and starts ask for, and the sentences that refuse everything else; pure.

Whoever may put a file into the raw bucket need not be allowed to choose machines, to let a worse model pass the gate or
to put one into service: that takes the right to start executions, which IAM gives (`states:StartExecution`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from trainyard.contract.config import RecipeConfig, to_mapping

EVERYTHING = "*"
# Whether a run reads the database of the environment. Where an upload may not say so, it says nothing of its data.
DATABASE = "data.source"
UPLOADED = ("data", "files", "hyperparameters", "model", "seed", "tune", "tuning.ranges")
HOUR = 3600
# Machines by size: what has no GPU and costs less than a dollar an hour; and what a large run may need.
SMALL_MACHINES = (
    "ml.t[23].*",
    *(f"ml.[cmr][4-8]*.{size}" for size in ("large", "xlarge", "2xlarge")),
)
LARGE_MACHINES = (
    *SMALL_MACHINES,
    *(f"ml.[cmr][4-8]*.{size}" for size in ("4xlarge", "8xlarge", "12xlarge")),
    *(f"ml.g[4-6]*.{size}" for size in ("xlarge", "2xlarge", "4xlarge")),
)
MACHINE = "*.instance_type"


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What may be asked for in one way.

    `settings` and `reserved` are dotted names of settings or of groups of them, where `*` stands for anything: the
    first may be changed, except the second. `most` are ceilings, and `among` what a text has to be like, by such names.
    """

    settings: tuple[str, ...]
    reserved: tuple[str, ...] = ()
    most: Mapping[str, float] = field(default_factory=dict)
    among: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def permits(self, name: str) -> bool:
        """Whether a setting may be changed at all."""
        return _covered(name, self.settings) and not _covered(name, self.reserved)

    def beyond(self, name: str, value: Any, *, present: Any = None) -> str:
        """What is allowed instead of a value, such as `at most 20`; empty for one that is within what is allowed.

        What is no more than is set at `present` already is allowed too.
        """
        if isinstance(value, int | float) and not isinstance(value, bool):
            most = [ceiling for pattern, ceiling in self.most.items() if fnmatchcase(name, pattern)]
            known = [present] if isinstance(present, int | float) else []
            return f"at most {min(most):,.10g}" if most and value > max([min(most), *known]) else ""
        lists = [allowed for pattern, allowed in self.among.items() if fnmatchcase(name, pattern)]
        wrong = [allowed for allowed in lists if not _like(value, allowed)]
        return f"one of {', '.join(wrong[0])}" if wrong else ""


def _upload() -> Allowance:
    return Allowance(
        settings=UPLOADED,
        reserved=(DATABASE,),
        most={
            "jobs.*.volume_gb": 100,
            "jobs.*.max_runtime_s": 6 * HOUR,
            "tuning.max_jobs": 20,
            "tuning.parallel_jobs": 4,
            "deploy.max_concurrency": 10,
            "deploy.instance_count": 1,
        },
        among={MACHINE: SMALL_MACHINES},
    )


def _start() -> Allowance:
    return Allowance(
        settings=(EVERYTHING,),
        most={
            "jobs.*.volume_gb": 1_000,
            "jobs.*.max_runtime_s": 48 * HOUR,
            "tuning.max_jobs": 100,
            "tuning.parallel_jobs": 10,
            "deploy.max_concurrency": 50,
            "deploy.instance_count": 4,
        },
        among={MACHINE: LARGE_MACHINES},
    )


@dataclass(frozen=True, kw_only=True)
class _Change:
    """A setting that is asked to be another than at `present`."""

    name: str
    value: Any
    present: Any


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Of one environment: what run.json, which is uploaded, may change, and what the input of a start may.

    The settings of both are checked by where they stand, whatever started the execution: a rerun, a schedule and the
    child of another execution read the run.json of their data set too. `show_cells` says whether messages and logs may
    quote the cells that they are about.
    """

    upload: Allowance = field(default_factory=_upload)
    start: Allowance = field(default_factory=_start)
    show_cells: bool = True

    def refusals(
        self, default: RecipeConfig, *, uploaded: RecipeConfig, started: RecipeConfig, reads_database: bool
    ) -> list[str]:
        """A sentence for each setting that goes beyond the policy.

        `default` is what holds in the environment, `uploaded` with the settings of run.json laid over it, and `started`
        with those of the start laid over both.
        """
        return [
            *(each for change in _changes(default, uploaded) for each in self._of_upload(change, reads_database)),
            *(each for change in _changes(uploaded, started) for each in self._of_start(change)),
        ]

    def divided(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What of some settings run.json may say, and what only the input of a start may.

        Groups stay whole: settings of one may be valid together only, and each of the two is read by itself.
        """
        run_json: dict[str, Any] = {}
        start: dict[str, Any] = {}
        for group, value in settings.items():
            mine = all(
                self.upload.permits(name) and not self.upload.beyond(name, each)
                for name, each in _leaves({group: value})
            )
            (run_json if mine else start)[group] = value
        return run_json, start

    def _of_upload(self, change: _Change, reads_database: bool) -> Iterator[str]:
        name, value, present = change.name, change.value, change.present
        asked = f"{name}: run.json asks for {_shown(value)}"
        if not self.upload.permits(name):
            allowed = ", ".join(self.upload.settings)
            other = f" except {', '.join(self.upload.reserved)}" if self.upload.reserved else ""
            yield f"{asked}, but an upload may change {allowed}{other} only. {_remedy(name, value)}"
        elif reads_database and not self.upload.permits(DATABASE) and name.startswith("data."):
            yield f"{asked}, but an upload says nothing of data that come from a database. {_remedy(name, value)}"
        elif allowed := self.upload.beyond(name, value, present=present):
            wider = not self.start.beyond(name, value, present=present)
            yield f"{asked}; an upload may ask for {allowed}. " + (_remedy(name, value) if wider else "Ask for that.")

    def _of_start(self, change: _Change) -> Iterator[str]:
        name, value, present = change.name, change.value, change.present
        asked = f"{name}: the start asks for {_shown(value)}"
        deploy = "or widen the policy in infra/settings.py and deploy it."
        if not self.start.permits(name):
            yield f"{asked}, but a start may change {', '.join(self.start.settings)} only. Leave it out, {deploy}"
        elif allowed := self.start.beyond(name, value, present=present):
            yield f"{asked}; a start may ask for {allowed}. Ask for that, {deploy}"


def _covered(name: str, groups: Iterable[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") or fnmatchcase(name, each) for each in groups)


def _like(value: Any, allowed: Iterable[str]) -> bool:
    return any(fnmatchcase(str(value), each) for each in allowed)


def _remedy(name: str, value: Any) -> str:
    """What to do instead: who has the right to start executions has it done by a command."""
    return (
        "Take it out of run.json; somebody who may start executions can ask for it: "
        f"trainyard rerun EXECUTION --set {name}={_shown(value)}."
    )


def _changes(before: RecipeConfig, after: RecipeConfig) -> Iterator[_Change]:
    """Every setting that differs."""
    known, missing = dict(_leaves(to_mapping(before))), object()
    for name, value in _leaves(to_mapping(after)):
        if (former := known.get(name, missing)) != value:
            yield _Change(name=name, value=value, present=None if former is missing else former)


def _leaves(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else ascii(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
