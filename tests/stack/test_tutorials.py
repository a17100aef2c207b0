"""The tutorials run from their first cell to their last, against the deployed stack."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.stack.conftest import ROOT, Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
TUTORIALS = ROOT / "docs" / "tutorials"
# Of one cell: a whole run of the workflow is one.
CELL_SECONDS = 300
# Two runs of the workflow, one after the other.
TOPICS = pytest.param("topics", marks=pytest.mark.long)


@pytest.mark.parametrize("name", ["headlines", TOPICS])
def test_a_tutorial_runs(stack: Stack, tmp_path: Path, name: str) -> None:
    """With nothing that points to the local cloud but its state directory, as in a notebook that somebody opens."""
    environment = {key: value for key, value in stack.environment.items() if not key.startswith("AWS_")}
    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={**environment, "IPYTHONDIR": str(tmp_path), "TMPDIR": str(tmp_path)})
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in ran)
