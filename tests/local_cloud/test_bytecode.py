"""Libraries that an installer left uncompiled are compiled by the local cloud, before the first job needs them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud.images import bytecode


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The name of a package that nobody has imported, with a module, a test and what Python cannot read."""
    folder = tmp_path / "a_large_library"
    (folder / "tests").mkdir(parents=True)
    sources = {"__init__": "", "module": "x = 1", "module_test": "", "template": "{{ no Python }}", "tests/deep": ""}
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bytecode, "LIBRARIES", ("a_large_library", "a_library_that_is_not_here"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    yield folder
    sys.modules.pop("a_large_library", None)


def compiled(folder: Path) -> set[str]:
    return {each.name.split(".")[0] for each in folder.rglob("*.pyc")}


def test_modules_are_compiled_but_for_tests(library):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", bytecode.__name__, str(library)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
    assert compiled(library) == {"__init__", "module"}


def test_a_library_is_left_alone_once_somebody_has_imported_it(library):
    assert list(bytecode.uncompiled(bytecode.LIBRARIES)) == [library]
    importlib.import_module("a_large_library")
    assert not list(bytecode.uncompiled(bytecode.LIBRARIES))
    bytecode.install()
    assert not bytecode._running


def test_a_server_begins_with_it_and_ends_it(library, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    bytecode.install()
    assert not bytecode._running
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    bytecode.install()
    (process,) = bytecode._running
    bytecode.shutdown()
    assert process.poll() is not None
    assert not bytecode._running
