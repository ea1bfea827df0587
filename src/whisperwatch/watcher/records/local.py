"""What the watcher measures itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from whisperwatch import semconv
from whisperwatch.version import __version__
from whisperwatch.watcher.records.metrics import Cell, Instrument, Scope
from whisperwatch.watcher.records.reading import Records


class LocalStream(Records):
    """What the watcher measures itself: metrics that `semconv` declares.

    Made with the resource of a bot's stream it describes that bot's process (`process.*`), with the watcher's own it
    describes the host and the watcher.
    """

    def __init__(self, resource: Mapping[str, Any], slot: int = 0) -> None:
        super().__init__(resource, slot)
        self.counts_from_zero = False
        self._scope = Scope(semconv.SCOPE, __version__)
        self.scopes[1] = self._scope
        self._instruments: dict[str, Instrument] = {}
        self._cells: dict[tuple[str, tuple[tuple[str, Any], ...]], Cell] = {}

    @property
    def instruments(self) -> Iterable[Instrument]:
        return list(self._instruments.values())

    def set(
        self, metric: semconv.Metric, value: int | float, attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Set the value so far of a sum, or the last value of a gauge.

        Raises:
            ValueError: the metric is a histogram, or has no such attributes.
        """
        self._cell(metric, attributes or {}).value = (value,)

    def add(
        self, metric: semconv.Metric, delta: int | float, attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Add to a sum.

        Raises:
            ValueError: as for `set`.
        """
        cell = self._cell(metric, attributes or {})
        before = cell.value[0] if cell.value else 0
        cell.value = (before + delta,)

    def _cell(self, metric: semconv.Metric, attributes: Mapping[str, Any]) -> Cell:
        key = metric.name, tuple(sorted(attributes.items()))
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._new_cell(metric, attributes)
        return cell

    def _new_cell(self, metric: semconv.Metric, attributes: Mapping[str, Any]) -> Cell:
        if metric.kind == "histogram":
            raise ValueError(f"{metric.name} is a histogram: a local stream has only sums and gauges")
        if strange := set(attributes).difference(metric.attributes):
            raise ValueError(f"{metric.name} has no attribute {', '.join(sorted(strange))}")
        instrument = self._instruments.get(metric.name)
        if instrument is None:
            instrument = Instrument(self._scope, metric.name, metric.kind, metric.unit, metric.help)
            self._instruments[metric.name] = instrument
        self.defined += 1
        cell = Cell(dict(attributes), time.time_ns())
        instrument.cells.append(cell)
        return cell
