"""What a metric, a span and an attribute are declared as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "updowncounter", "gauge", "histogram"]
Room = Literal["bot", "watcher"]

SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75,
    1.5, 2.5, 4.5, 7.5, 15.5, 30.5, 60.5, 120.5,
)  # fmt: skip
"""Durations of what users wait for: 1 ms to 2 min."""
FINE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5, 5.5, 15.5)
"""Pauses and lags of the loop, and of the garbage collector."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute key. `values` lists what it can hold where that is a closed set."""

    key: str
    help: str
    values: tuple[str, ...] = ()
    hashed: bool = False
    """An id: leaves as a keyed hash unless the operator opted in; never on a metric."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: the OpenTelemetry name.
        kind: `counter` and `updowncounter` are sums, `gauge` is a last value, `histogram` has `buckets`.
        unit: UCUM, as OpenTelemetry writes it (`s`, `By`, `1`, `{event}`).
        help: one sentence.
        attributes: the keys of every point; a point may leave out none but `error.type`, `server.port` and, where no
            answer came, `http.response.status_code`.
        buckets: upper bounds in `unit`, for histograms.
        room: which process records it.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    room: Room = "bot"


@dataclass(frozen=True, slots=True)
class SpanName:
    """A kind of span. `name` is a template: `{…}` stands for a bounded value."""

    name: str
    kind: Literal["internal", "server", "client", "producer", "consumer"]
    help: str
    attributes: tuple[str, ...] = ()
