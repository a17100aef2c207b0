"""TensorFlow and Keras without what they load only in case somebody asks for it; runs in the training image.

Recipes take `tf` and `keras` from here. Both load far more than training uses: Keras what `imports.py` leaves out,
and scikit-learn; TensorFlow all that it has a public name for, so TensorFlow Lite, an older Keras and what runs on TPUs
as well. Without these, the import takes a third of the CPU time.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from trainyard.contract.lean.imports import OPTIONAL, lean

# The modules below it hold nothing but `from place import name`: `tf.nn` and `tf.lite` are two of them. Those of
# TensorFlow 1 hold more.
PUBLIC_NAMES, OTHERS = "tensorflow._api.v2.", "tensorflow._api.v2.compat."


class _PublicNames(MetaPathFinder, Loader):
    """Finds the modules of `PUBLIC_NAMES` and loads them with no name in them: each is imported when it is used."""

    def find_spec(  # noqa: PLR0917 - as Python has it
        self, fullname: str, path: Any, target: Any = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(PUBLIC_NAMES) or fullname.startswith(OTHERS):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = self
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """A module as any other."""

    def exec_module(self, module: ModuleType) -> None:
        places, public = cache(lambda: _imports(module)), module.__name__.removeprefix(PUBLIC_NAMES)

        def use(name: str) -> Any:
            if name not in places():
                # `distribute` and `lite` are also names of packages, whose modules are imported by the same path.
                package = f"tensorflow.{public}.{name}"
                if package in sys.modules:
                    return sys.modules[package]
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            place, original = places()[name]
            # A module of names has no names yet, but modules below it.
            below = place == module.__name__
            value = import_module(f"{place}.{original}") if below else getattr(import_module(place), original)
            setattr(module, name, value)
            return value

        module.__getattr__ = use  # type: ignore[method-assign]
        module.__dir__ = lambda: [*vars(module), *places()]  # type: ignore[method-assign]


def _imports(names: ModuleType) -> dict[str, tuple[str, str]]:
    """Where each name of a module of names is from: the module and the name there."""
    source = Path(str(names.__file__)).read_text(encoding="utf-8")
    found = re.findall(r"^from (\S+) import (\w+)(?: as (\w+))?", source, flags=re.MULTILINE)
    return {alias or name: (place, name) for place, name, alias in found}


sys.meta_path.insert(0, _PublicNames())
with lean((*OPTIONAL, "sklearn")):
    import keras
    import tensorflow as tf

    # Loaded later, these packages would take the place of what `tf` has under their names.
    for _name in ("distribute", "lite"):
        _public = getattr(tf, _name)
        import_module(f"tensorflow.{_name}")
        setattr(tf, _name, _public)

__all__ = ["keras", "tf"]
