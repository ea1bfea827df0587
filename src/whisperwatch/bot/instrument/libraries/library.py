"""What the registry knows of a library."""

from __future__ import annotations

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
