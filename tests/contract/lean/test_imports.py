"""Modules that a library imports and hardly anybody uses are loaded when somebody does."""

import gc
import subprocess
import sys

import pytest

from trainyard.contract.lean.imports import deferred, rarely_collected


@pytest.fixture
def large(tmp_path, monkeypatch):
    """The name of a module that nobody has imported."""
    (tmp_path / "a_large_module.py").write_text(
        "def double(value):\n    return 2 * value\n\n\nclass distribution:\n    mean = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "a_large_module"
    sys.modules.pop("a_large_module", None)


def test_a_module_is_loaded_when_one_of_its_names_is_used(large):
    with deferred(large):
        from a_large_module import distribution, double
    assert large not in sys.modules
    assert double(21) == 42
    assert distribution.mean == 3
    assert sys.modules[large].double(1) == 2


def test_a_module_that_is_loaded_stays_what_it_is(large):
    import a_large_module

    with deferred(large):
        from a_large_module import double
    assert double is a_large_module.double
    with deferred(large):
        assert sys.modules[large] is a_large_module


def test_garbage_is_collected_rarely_for_so_long():
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="of the block"), rarely_collected():
        assert gc.isenabled()
        assert gc.get_threshold()[0] > 100 * before[0]
        raise ValueError("of the block")
    assert gc.get_threshold() == before


def test_scikit_learn_and_gensim_start_without_what_they_load_for_nobody_and_work():
    script = """
import sys
from trainyard.contract.lean.imports import lean
with lean():
    from gensim.models import Word2Vec
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.isotonic import check_increasing
print(sorted({"pandas", "scipy.stats", "matplotlib"} & set(sys.modules)))
print(check_increasing([1, 2, 3, 4], [2, 4, 5, 9]), "scipy.stats" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True True"]
