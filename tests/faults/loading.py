"""How faults get in: a module is changed right after it was imported, before anybody uses it."""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from . import Point
from .defects import DEFECTS
from .points import arm

Change = Callable[[ModuleType], None]


def install(told: str) -> None:
    """Take in what ``GJANGO_FAULTS`` says. Raises KeyError for a defect that nobody wrote."""
    found = json.loads(told)
    changes: dict[str, list[Change]] = {}
    for one in found["points"]:
        point = Point(**one)
        changes.setdefault(point.at.partition(":")[0], []).append(arm(point))
    for name in found["defects"]:
        for module, change in DEFECTS[name].items():
            changes.setdefault(module, []).append(change)
    sys.meta_path.insert(0, Finder(changes))


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that are to be changed, and no others."""

    def __init__(self, changes: dict[str, list[Change]]) -> None:
        self._changes = changes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module to be changed, with a loader that changes it."""
        if fullname not in self._changes:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._changes[fullname])
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, own: importlib.abc.Loader, changes: Sequence[Change]) -> None:
        self._own = own
        self._changes = changes

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        for change in self._changes:
            change(module)

    def __getattr__(self, name: str) -> object:
        # get_source, is_package and the like: `python -m` and tracebacks ask for them.
        return getattr(self._own, name)
