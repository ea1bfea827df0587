"""The recorder: what this process has recorded and the watcher has not yet been given.

One for each process (`recorder`). Spans end up in `spans` as tape records (see `ended`), changed cells in `changed`;
`ship` takes from the front of both. Lists serve as queues because `append`, slicing and `del list[:n]` are each one
step of the interpreter: nothing is lost between threads, and the loop pays one append.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.recording.cells import DEFAULT_CAP, Cell, Instrument, Value
from whisperwatch.bot.recording.clock import Clock
from whisperwatch.bot.recording.ended import Ended
from whisperwatch.bot.recording.limits import span_limits
from whisperwatch.bot.recording.logs import Logs
from whisperwatch.version import __version__

_SORTS = {"counter": "Counter", "updowncounter": "UpDownCounter", "gauge": "Gauge", "histogram": "Histogram"}


class Recorder(Ended):
    """Definitions, ended spans and cells of one process. Thread-safe."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.lock = threading.RLock()
        self._on = True
        self.when_switched: Callable[[], None] = lambda: None
        """Called when `on` has changed."""
        self.forked = False
        """In a forked child that has not called `watch()`."""
        self.definitions: list[tuple[Any, ...]] = []
        self.logs = Logs(lambda reason, amount: self.count_dropped("logs", reason, amount))
        self.changed: list[Cell] = []
        self._points = 0
        """Given to the watcher so far: a cell that has changed is one, however often it did."""
        self.limits = span_limits()
        self.flush_tape: Callable[[float], bool] = lambda timeout_ms: True
        """Waits, at most so many milliseconds, until the watcher has all; says whether it has. Set by `watch()`."""
        self.when_defined: Callable[[Instrument], None] | None = None
        """Called with each new instrument: a host's provider makes one of its own."""
        self.mask: Callable[[str], str] = str
        """Takes out of a text that is to be recorded what repeats a user's words. Set by `watch()`."""
        self.collectors: list[Callable[[], None]] = []
        """Called at each collection: observable instruments and the gauges of the bots."""
        self._numbers: dict[str, int] = {}
        self._instruments: dict[tuple[Any, ...], Instrument] = {}
        self._attribute_sets: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
        self._scopes: dict[InstrumentationScope, int] = {}
        self.scope = self.define_scope(semconv.SCOPE, __version__, None, None)
        self._count_ourselves()

    @property
    def on(self) -> bool:
        """False in a forked child until it calls `watch()`, and where the watcher's settings say so: no spans."""
        return self._on

    @on.setter
    def on(self, on: bool) -> None:
        self._on = on
        self.when_switched()

    def _count_ourselves(self) -> None:
        recorded = self.instrument(semconv.SELF_RECORDED)
        self._recorded_spans = recorded.find({semconv.SIGNAL: "spans"})
        self._recorded_logs = recorded.find({semconv.SIGNAL: "logs"})
        self._recorded_points = recorded.find({semconv.SIGNAL: "metrics"})
        self._dropped = self.instrument(semconv.SELF_DROPPED)
        self._dropped_full = self._dropped.find({semconv.SIGNAL: "spans", semconv.REASON: "queue_full"})
        self._internal_errors = self.instrument(semconv.SELF_INTERNAL_ERRORS)
        self._capped = self.instrument(semconv.SELF_CAPPED)
        guard.on_failure.append(self._count_failure)

    def _count_failure(self, where: str) -> None:
        _value(self._internal_errors.find({semconv.WHERE: where})).add(1)

    # --- definitions ------------------------------------------------------------------------------------------

    def define(self, sort: str, *rest: Any) -> int:
        """Put a definition on the tape; returns its number."""
        with self.lock:
            number = self._numbers[sort] = self._numbers.get(sort, 0) + 1
            self.definitions.append((sort, number, *rest))
            return number

    def define_scope(
        self, name: str, version: str | None, schema_url: str | None, attributes: Mapping[str, Any] | None
    ) -> int:
        """The number of an instrumentation scope."""
        scope = InstrumentationScope(name, version or "", schema_url, attributes)
        with self.lock:
            if scope not in self._scopes:
                given = dict(scope.attributes) if scope.attributes else None
                self._scopes[scope] = self.define("scope", name, scope.version, scope.schema_url, given)
            return self._scopes[scope]

    def scope_of(self, instrument: Instrument) -> InstrumentationScope:
        """The instrumentation scope that an instrument was made in."""
        with self.lock:
            return next(scope for scope, number in self._scopes.items() if number == instrument.scope)

    def attribute_set(self, attributes: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The number of a set of attributes that many spans share, for `Span.static`. For bounded values only."""
        key = tuple(attributes.items())
        with self.lock:
            known = self._attribute_sets.get(key)
            if known is None:
                known = self._attribute_sets[key] = (self.define("attributes", attributes), attributes)
            return known

    def instrument(self, metric: semconv.Metric) -> Instrument:
        """The instrument of one of our own metrics."""
        cap = DEFAULT_CAP * (10 if semconv.SHARD in metric.attributes else 1)
        return self.define_instrument(
            self.scope, metric.name, metric.kind, metric.unit, metric.help, metric.buckets, cap
        )

    def define_instrument(
        self,
        scope: int,
        name: str,
        kind: semconv.Kind,
        unit: str,
        description: str,
        bounds: tuple[float, ...] = (),
        cap: int = DEFAULT_CAP,
        sort: str = "",
    ) -> Instrument:
        """The instrument of this name and kind. `sort` tells apart what the API makes of one kind; "" is our own."""
        key = (scope, name, kind, unit, description, sort) if sort else (scope, name, kind)
        with self.lock:
            known = self._instruments.get(key)
            if known is not None:
                return known
            listed = bounds if kind == "histogram" else None
            number = self.define("instrument", scope, name, kind, unit, description, listed)
            made = Instrument(
                self, number, scope, name, kind, unit, description, bounds, cap, sort or _SORTS[kind]
            )
            self._instruments[key] = made
        if self.when_defined is not None:
            self.when_defined(made)
        return made

    @property
    def instruments(self) -> list[Instrument]:
        with self.lock:
            return list(self._instruments.values())

    # --- counting ourselves -----------------------------------------------------------------------------------

    def count_capped(self, metric: str) -> None:
        if metric != semconv.SELF_CAPPED.name:
            _value(self._capped.find({semconv.METRIC: metric})).add(1)

    def count_dropped(self, signal: str, reason: str, amount: int) -> None:
        """Say that `amount` records were lost on their way to the watcher."""
        _value(self._dropped.find({semconv.SIGNAL: signal, semconv.REASON: reason})).add(amount)

    def take_cells(self) -> list[tuple[Any, ...]]:
        """The cells that changed since the last time."""
        self._bring_up_to_date()
        cells = self.changed[:]
        del self.changed[: len(cells)]
        self._points += len(cells)
        return [_take(cell) for cell in cells]

    def all_cells(self) -> list[tuple[Any, ...]]:
        """Every cell, for a watcher that knows none."""
        self.take_cells()
        return [cell.take() for instrument in self.instruments for cell in instrument]

    def collect(self) -> None:
        """Read what is read rather than counted: observable instruments, the bots' gauges."""
        self._bring_up_to_date()
        _value(self._recorded_points).set(self._points)  # here alone: setting it makes one more
        for collector in list(self.collectors):
            try:
                collector()
            except Exception:
                guard.failed(f"collect {getattr(collector, '__qualname__', collector)}")

    def _bring_up_to_date(self) -> None:
        while self.settle(1000):
            pass
        with self._settling:  # a count that another thread read earlier must not be set later
            for cell, value in (
                (self._recorded_spans, self.ended_spans),
                (self._recorded_logs, self.logs.recorded),
                (self._dropped_full, self.dropped_spans),
            ):
                if _value(cell).value != value:
                    _value(cell).set(value)

    # --- forking ----------------------------------------------------------------------------------------------

    def silence(self) -> None:
        """In a forked child: empty, and off. Locks are made anew, for another thread may have held them."""
        self.lock = threading.RLock()
        self.forked = True
        self.on = self.logs.on = False
        super().silence()
        self._empty()

    def restart(self) -> None:
        """In a forked child that calls `watch()`: count from zero."""
        self._empty()
        self.forked = False
        self.on = self.shipping = self.logs.on = True

    def _empty(self) -> None:
        self.forget_ended()
        self._points = 0
        self.logs.empty()
        for instrument in self.instruments:
            for cell in instrument:
                cell.zero()
                cell.dirty = False
        self.changed.clear()


def _take(cell: Cell) -> tuple[Any, ...]:
    cell.dirty = False  # before it is read: what comes after the reading marks it again
    return cell.take()


def _value(cell: Cell) -> Value:
    assert isinstance(cell, Value)
    return cell


recorder = Recorder()
"""This process's."""

os.register_at_fork(after_in_child=recorder.silence)
