"""Hearing of an import: a callback after a module has run, without importing anything ourselves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from whisperwatch.bot import guard


class Arrivals:
    """A finder that finds nothing of its own: it asks the others, and has the loader they name tell when it is done.

    The loader and the spec stay the very objects that they are without us.
    """

    def __init__(self) -> None:
        self._awaited: dict[str, Callable[[], None]] = {}

    def expect(self, module: str, then: Callable[[], None]) -> None:
        """Call `then` once `module` has been imported."""
        self._awaited[module] = then
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def forget(self) -> None:
        """Expect nothing any more."""
        self._awaited.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As the import system calls it."""
        then = self._awaited.get(name)
        if then is None:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                self._tell(spec, then)
                return spec
        return None

    def _tell(self, spec: ModuleSpec, then: Callable[[], None]) -> None:
        loader: Any = spec.loader
        try:
            run = loader.exec_module
        except AttributeError:  # a namespace, or a loader of the oldest sort
            return

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            run(module)
            self._awaited.pop(spec.name, None)
            try:
                then()
            except Exception:
                guard.failed(f"import of {spec.name}")

        try:
            loader.exec_module = exec_module
        except AttributeError:  # its class allows no attributes
            guard.failed(f"import of {spec.name}")
