"""The files of all cases, written once per worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.files.walk import write_cases


@pytest.fixture(scope="session")
def cases(tmp_path_factory) -> Path:
    """The folder with a folder for each case."""
    folder = tmp_path_factory.mktemp("cases")
    write_cases(folder)
    return folder
