"""Where a value comes from: the five layers, and the place in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

Layer = Literal["override", "code", "environment", "file", "default"]
LAYERS: Final[tuple[Layer, ...]] = ("override", "code", "environment", "file", "default")
"""The first that says something wins."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One layer, and of a file the place in it, such as `monitoring.yaml:12`."""

    layer: Layer
    place: str = ""

    def __str__(self) -> str:
        return self.place or self.layer


DEFAULT: Final = Origin("default")


@dataclass(frozen=True, slots=True)
class Given:
    """What someone wrote: the value, unread, and its place."""

    value: Any
    place: str = ""
