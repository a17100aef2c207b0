"""`trainyard notebook` opens JupyterLab on copies of the tutorials, and says so where there is none."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from trainyard.cli.main import main
from trainyard.client import notebooks, project
from trainyard.client.deployment import Deployment
from trainyard.client.yard import Yard
from trainyard.errors import TrainyardError

ROOT = Path(__file__).parents[2]
TUTORIALS = ["headlines.ipynb", "topics.ipynb"]


def test_a_tutorial_that_was_worked_in_stays_as_it_is() -> None:
    folder = notebooks.placed()
    assert folder == project.state_dir() / "notebooks"
    assert sorted(each.name for each in folder.iterdir()) == TUTORIALS
    (folder / TUTORIALS[0]).write_text("my own")
    (folder / TUTORIALS[1]).unlink()
    assert notebooks.placed() == folder
    assert (folder / TUTORIALS[0]).read_text() == "my own"
    assert (folder / TUTORIALS[1]).is_file()


@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorials_are_kept_without_what_they_print(name: str) -> None:
    cells = json.loads((ROOT / notebooks.TUTORIALS / name).read_text())["cells"]
    code = [each for each in cells if each["cell_type"] == "code"]
    assert code
    assert all(not each["outputs"] and each["execution_count"] is None for each in code)


def test_kernels_find_the_local_cloud_of_this_folder() -> None:
    assert notebooks.environment()[project.STATE_VARIABLE] == str(project.state_dir())


def test_cells_do_not_begin_with_what_tensorflow_says_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert notebooks.environment()["TF_CPP_MIN_LOG_LEVEL"] == "2"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert notebooks.environment()["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_without_jupyterlab_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jupyterlab" else find(name))
    assert main(["notebook"]) == 4
    assert "pip install 'trainyard[cli,notebook]'" in capsys.readouterr().err


def test_without_awswrangler_a_sentence_says_how_to_get_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "awswrangler", None)
    with pytest.raises(TrainyardError, match=r"pip install 'trainyard\[notebook\]'"):
        Yard(deployment).query("SELECT 1")


def test_no_job_installs_what_notebooks_need() -> None:
    """What images and Glue jobs install are locks of their own."""
    for path in ROOT.glob("*/requirements*.txt"):
        names = {line.partition("==")[0] for line in path.read_text().splitlines() if "==" in line}
        assert not names & {"awswrangler", "sagemaker", "jupyterlab", "ipykernel"}, path


def test_jupyterlab_opens_on_the_tutorials_until_ctrl_c(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    environment = {
        **os.environ,
        "TRAINYARD_STATE_DIR": str(tmp_path / "state"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_PORT": "0",
    }
    command = [Path(sys.executable).with_name("trainyard"), "notebook", "--no-browser"]
    # Jupyter asks at Ctrl-C where somebody could answer.
    terminal, keyboard = os.openpty()
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdin=keyboard, stdout=log, stderr=log) as lab,
    ):
        try:
            server = running(lab, runtime, log=tmp_path / "log")
            answer = asked(server, "api/contents")
            assert sorted(each["name"] for each in answer["content"]) == TUTORIALS
            assert server["url"].startswith(("http://127.0.0.1:", "http://localhost:"))
            lab.send_signal(signal.SIGINT)
            assert lab.wait(timeout=30) == 0
        finally:
            lab.kill()
            os.close(terminal)
            os.close(keyboard)
    assert not list(runtime.glob("jpserver-*.json"))


def running(lab: subprocess.Popen[bytes], runtime: Path, *, log: Path) -> dict[str, str]:
    """What a server says of itself, once it answers: it says so a moment earlier."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and lab.poll() is None:
        for each in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(OSError, ValueError):
                found: dict[str, str] = json.loads(each.read_text())
                asked(found, "api")
                return found
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def asked(server: dict[str, str], path: str) -> dict[str, list[dict[str, str]]]:
    request = urllib.request.Request(server["url"] + path, headers={"Authorization": f"token {server['token']}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, list[dict[str, str]]] = json.load(answer)
    return found
