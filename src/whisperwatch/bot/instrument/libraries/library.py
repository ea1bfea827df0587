"""What the registry knows of a library."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Library:
    """A library that can be instrumented.

    Attributes:
        name: as users name it in `only`, `exclude` and `WHISPERWATCH_LIBRARIES`.
        module: the import whose arrival means that the bot uses it.
        distribution: the name of the package on the index, which has the version.
        supported: the versions that were read and tested, as `>=1.2,<3`. An older one is left alone, a newer one tried.
        apply: patches it, once the module is imported; returns what takes the patches back.
        contrib: OpenTelemetry's own instrumentor of it, as `module:Class`: where that is at work, we stand back. Empty
            where `apply` itself uses it.
    """

    name: str
    module: str
    distribution: str
    supported: str
    apply: Callable[[], Undo]
    contrib: str = ""


def is_at_work(instrumentor: str) -> bool:
    """Whether OpenTelemetry's instrumentor, a `module:Class`, has instrumented, whoever called it. We import none."""
    module, _, name = instrumentor.partition(":")
    found = getattr(sys.modules.get(module), name, None) if module else None
    return bool(getattr(getattr(found, "_instance", None), "_is_instrumented_by_opentelemetry", False))
