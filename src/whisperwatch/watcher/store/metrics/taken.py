"""What the watcher hands over: the newest values of the series that changed, cumulative as they are on the tape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whisperwatch.semconv import Kind
from whisperwatch.watcher.records import Value


@dataclass(frozen=True, slots=True)
class Identity:
    """A series: one attribute set of a metric, of one instance. `attributes` are sorted pairs of texts."""

    metric: str
    kind: Kind
    unit: str
    bounds: tuple[float, ...]
    instance: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest value of a series.

    Attributes:
        start: since when sums and histograms are cumulative (wall ns).
        process: when the process that counts began, as `Taken.alive` has it.
    """

    identity: Identity
    start: int
    value: Value
    process: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What changed up to a moment.

    Attributes:
        at: unix seconds; it belongs to the slot that this is in.
        samples: of the series that changed; of gauges, all of them at least once a slot.
        alive: the processes that could have counted, as (instance, when it began in wall ns).
    """

    at: float
    samples: tuple[Sample, ...]
    alive: frozenset[tuple[str, int]]


def text_of(value: Any) -> str:
    """An attribute's value as every engine gives it, and as Prometheus has it for a label."""
    if value is True or value is False:
        return "true" if value else "false"
    text = value if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def pairs_of(attributes: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Attributes as `Identity` has them; an empty value is no attribute."""
    found = ((key, text_of(value)) for key, value in attributes.items())
    return tuple(sorted((key, text) for key, text in found if text != ""))
