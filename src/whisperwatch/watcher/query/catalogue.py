"""The metrics that can be asked about: those of `semconv`, and what else a store has seen."""

from __future__ import annotations

from dataclasses import dataclass

from whisperwatch import semconv
from whisperwatch.semconv import Kind


@dataclass(frozen=True, slots=True)
class Known:
    """A metric that exists. `attributes` is None where they can't be known."""

    name: str
    kind: Kind
    unit: str
    attributes: frozenset[str] | None
    bounds: tuple[float, ...] = ()


DECLARED: dict[str, Known] = {
    metric.name: Known(metric.name, metric.kind, metric.unit, frozenset(metric.attributes), metric.buckets)
    for metric in semconv.METRICS
}
"""Those that we record ourselves."""
