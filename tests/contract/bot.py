"""A bot whose telemetry the tests write: by the tape into a real stream, at times of their own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from whisperwatch import semconv, tape
from whisperwatch.watcher.records import Log, Span, Stream

SERVICE = "contract-bot"


class Bot:
    """One process of it: counts, measures and logs at any time, and sends what changed, as a ship does.

    Args:
        instance: its `service.instance.id`; a process that follows on another has the same.
        began: unix seconds.
        version: its `service.version`.
    """

    def __init__(self, instance: str, began: float, version: str = "1") -> None:
        resource = {"service.name": SERVICE, "service.instance.id": instance, "service.version": version}
        self.stream = Stream(resource)
        self.began, self.version = began, version
        self._definitions: list[tuple[Any, ...]] = [("scope", 1, semconv.SCOPE, None, None, None)]
        self._instruments: dict[str, int] = {}
        self._cells: dict[tuple[str, tuple[tuple[str, Any], ...]], list[Any]] = {}
        self._changed: dict[int, list[Any]] = {}
        self._spans: list[Span] = []
        self._logs: list[Log] = []
        self._position = 0

    def count(self, metric: semconv.Metric, attributes: Mapping[str, Any], number: float = 1) -> None:
        """Add to a counter, or to an updowncounter."""
        cell = self._cell(metric, attributes)
        cell[1] = (cell[1] or 0) + number

    def gauge(self, metric: semconv.Metric, attributes: Mapping[str, Any], value: float) -> None:
        """Set a gauge."""
        self._cell(metric, attributes)[1] = value

    def measure(self, metric: semconv.Metric, attributes: Mapping[str, Any], value: float) -> None:
        """Add a measurement to a histogram."""
        cell = self._cell(metric, attributes)
        if cell[1] is None:
            cell[1:] = [0, 0.0, value, value, [0] * (len(metric.buckets) + 1), ()]
        cell[1] += 1
        cell[2] += value
        cell[3], cell[4] = min(cell[3], value), max(cell[4], value)
        cell[5][bisect_left(metric.buckets, value)] += 1

    def log(self, at: float, level: str, logger: str, body: str, **more: Any) -> None:
        """Log; `exception`, `trace_id`, `event` and `attributes` as the tape has them."""
        number = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}[level]
        trace_id = more.get("trace_id", 0)
        self._logs.append(
            (
                *(int(at * 1e9), number, level, logger, body, more.get("attributes"), trace_id),
                *(
                    trace_id & (1 << 64) - 1,
                    1 if trace_id else 0,
                    None,
                    more.get("exception"),
                    more.get("event"),
                ),
            )
        )

    def span(self, span: Span) -> None:
        """Record a span of the tape (scope 1)."""
        self._spans.append(span)

    def send(self) -> tuple[list[Span], list[Log]]:
        """What changed goes to the stream; its spans and logs come back, as the watcher gets them."""
        self._position += 1
        cells = [_sent(cell) for cell in self._changed.values()]
        batch = (
            tape.BATCH, self._position, 0, self._definitions, self._spans, cells, {}, self._logs,
        )  # fmt: skip
        self._definitions, self._changed, self._spans, self._logs = [], {}, [], []
        return self.stream.take(batch), self.stream.logs_of(batch)

    def _cell(self, metric: semconv.Metric, attributes: Mapping[str, Any]) -> list[Any]:
        key = metric.name, tuple(sorted(attributes.items()))
        cell = self._cells.get(key)
        if cell is None:
            number = len(self._cells) + 1
            cell = self._cells[key] = [number, None]
            started = int(self.began * 1e9)
            self._definitions.append(("cell", number, self._instrument(metric), dict(attributes), started))
        self._changed[cell[0]] = cell
        return cell

    def _instrument(self, metric: semconv.Metric) -> int:
        number = self._instruments.get(metric.name)
        if number is None:
            number = self._instruments[metric.name] = len(self._instruments) + 1
            bounds = metric.buckets or None
            self._definitions.append(
                ("instrument", number, 1, metric.name, metric.kind, metric.unit, metric.help, bounds)
            )
        return number


def _sent(cell: list[Any]) -> tuple[Any, ...]:
    if len(cell) == 2:
        return tuple(cell)
    number, count, total, least, most, buckets, exemplars = cell
    return number, count, total, least, most, tuple(buckets), exemplars
