"""What killed a job's process, in words; and what a crashed server's jobs leave behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud.jobs.container import host_environment
from local_cloud.jobs.execution import algorithm_error
from local_cloud.jobs.process import Outcome
from local_cloud.jobs.signals import killed_by, shell_code
from local_cloud.jobs.workspace import Workspace, end_leftovers
from tests.faults.events import until_gone

from .processes import runs


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (-9, "killed by SIGKILL, which mostly means that memory ran out"),
        (137, "killed by SIGKILL, which mostly means that memory ran out"),
        (-15, "killed by SIGTERM, which means that it was asked to end from outside"),
        (-11, "killed by SIGSEGV, which means a defect in native code"),
        (-31, "killed by SIGSYS"),
    ],
)
def test_signals_have_names_and_causes(exit_code: int, words: str) -> None:
    assert killed_by(exit_code).startswith(words)


@pytest.mark.parametrize("exit_code", [0, 1, 127, 255, -200])
def test_what_ended_by_itself_was_not_killed(exit_code: int) -> None:
    assert killed_by(exit_code) == ""


def outcome(exit_code: int) -> Outcome:
    return Outcome(exit_code=exit_code, stopped=False, timed_out=False, seconds=1.0, last_lines=("epoch 3",))


def test_a_killed_container_says_so_before_anything_else() -> None:
    reason = algorithm_error(outcome(-9), "")
    assert reason.startswith("AlgorithmError: the container was killed by SIGKILL")
    assert "its last lines: epoch 3" in reason
    assert reason.endswith(", exit code: 137")
    assert shell_code(-9) == 137


def test_a_container_that_ended_by_itself_says_what_it_said() -> None:
    assert algorithm_error(outcome(3), "no rows") == "AlgorithmError: no rows, exit code: 3"
    assert "the container gave no reason" in algorithm_error(outcome(3), "")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux tells a process's environment")
def test_what_left_its_job_ends_with_it(tmp_path: Path) -> None:
    """A daemon is in another group and session than the job that started it."""
    workspace = Workspace(tmp_path / "jobs" / "one")
    workspace.create()
    daemon = "import os, time; os.fork() and os._exit(0); os.setsid(); print(os.getpid(), flush=True); time.sleep(600)"
    environment = host_environment(workspace)
    done = subprocess.Popen([sys.executable, "-c", daemon], env=environment, stdout=subprocess.PIPE, text=True)
    with done:
        assert done.stdout is not None
        pid = int(done.stdout.readline())
        assert runs(pid)
        workspace.started(done.pid)
        end_leftovers(tmp_path / "jobs")
    until_gone(pid)
    assert not workspace.root.exists()
