"""Metrics as they are kept: instruments with their cells, each of which has the newest value of one attribute set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = tuple[Any, ...]
"""(number,) of a sum or a gauge; (count, sum, min | None, max | None, bucket counts) of a histogram."""


@dataclass(frozen=True, slots=True)
class Scope:
    """An instrumentation scope."""

    name: str
    version: str | None = None
    schema_url: str | None = None
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One measurement, and the span in which it was made. `time` is wall time in ns."""

    value: int | float
    time: int
    trace_id: int
    span_id: int


@dataclass(slots=True, eq=False)
class Cell:
    """All numbers of one attribute set, cumulative since `start` (wall ns).

    `value` is None before the first. `exemplars` has the newest of each bucket; `fresh` those that no export has
    taken yet.
    """

    attributes: Mapping[str, Any]
    start: int
    value: Value | None = None
    exemplars: dict[int, Exemplar] = field(default_factory=dict)
    fresh: dict[int, Exemplar] = field(default_factory=dict)

    def take_fresh(self) -> list[Exemplar]:
        """The exemplars that came since the last call."""
        taken = list(self.fresh.values())
        self.fresh.clear()
        return taken


@dataclass(slots=True, eq=False)
class Instrument:
    """A metric of one scope with its cells. `kind` is a `semconv.Kind`; `bounds` belong to histograms."""

    scope: Scope
    name: str
    kind: str
    unit: str
    description: str
    bounds: tuple[float, ...] = ()
    cells: list[Cell] = field(default_factory=list)
