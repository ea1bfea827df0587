"""The recorder: what this process has recorded and the watcher has not yet been given.

One for each process (`recorder`). Spans end up in `spans` as tape records, changed cells in `changed`; `ship` takes
from the front of both. Lists serve as queues because `append`, slicing and `del list[:n]` are each one step of the
interpreter: nothing is lost between threads, and the loop pays one append.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from whisperwatch import semconv, tape
from whisperwatch.bot import guard
from whisperwatch.bot.recording.cells import DEFAULT_CAP, Cell, Instrument, Value
from whisperwatch.bot.recording.clock import Clock
from whisperwatch.bot.recording.logs import Logs
from whisperwatch.version import __version__

MOST_SPANS = 50_000
"""Ended spans that may wait for `ship` (it comes ten times a second, and has a bound in bytes of its own)."""

RELIEF = 64
"""So many that wait are settled and packed on the loop at once, in a quarter of a millisecond; only a bot that ends
hundreds of commands a second sees that, for the ship comes four times a second."""
NEVER = sys.maxsize
_OVERDUE_NS = 5_000_000
"""So long after it wanted the GIL the ship is waiting for it."""

_SORTS = {"counter": "Counter", "updowncounter": "UpDownCounter", "gauge": "Gauge", "histogram": "Histogram"}


class Recorder:
    """Definitions, ended spans and cells of one process. Thread-safe."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lock = threading.RLock()
        self._settling = threading.RLock()
        """Held while a piece is settled, so that who reads after `settle` doesn't miss what another thread is at."""
        self._on = True
        self.when_switched: Callable[[], None] = lambda: None
        """Called when `on` has changed."""
        self.shipping = True
        """False where no ship takes what is recorded: then the host's own exporters are all there is."""
        self.forked = False
        """In a forked child that has not called `watch()`."""
        self.definitions: list[tuple[Any, ...]] = []
        self.spans: list[tuple[Any, ...]] = []
        self.packed: list[tuple[bytes, int]] = []
        """Older ones than those in `spans`, as `relieve` has packed them, and how many they are."""
        self._packed_spans = 0
        self.unsettled: list[Any] = []
        """Ended roots and commands whose measuring and encoding wait for `settle`."""
        self.deferring = False
        """Whether somebody calls `settle` soon: `ship` does. What is done in one go costs a third of what it costs
        between a bot's own steps, and costs the loop nothing."""
        self.ship_due_ns = NEVER
        """When the ship will have been waiting for the GIL (monotonic ns); then the loop gives way to it."""
        self.give_way: Callable[[], None] = lambda: None
        """Lets the ship have the GIL for a turn, or a millisecond of it. Set by the ship."""
        self.logs = Logs(lambda reason, amount: self.count_dropped("logs", reason, amount))
        self.changed: list[Cell] = []
        self.ended_spans = 0
        self.dropped_spans = 0
        self.limits = SpanLimits()
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

    def span_ended(self, record: tuple[Any, ...]) -> None:
        """Take an ended span, a SPAN of the tape."""
        if len(self.spans) < MOST_SPANS:
            if self.shipping:
                self.spans.append(record)
            self.ended_spans += 1
        else:
            self.dropped_spans += 1

    # --- taking -----------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Ended spans that wait to be taken; packed ones count as one for each piece."""
        return len(self.packed) + len(self.spans) + len(self.unsettled)

    def settle(self, most: int) -> bool:
        """Measure and encode up to `most` of what has ended; says whether more is left."""
        with self._settling:  # the ship's thread does this, and any reader's
            settling = self.unsettled[:most]
            del self.unsettled[: len(settling)]
            for ended in settling:
                try:
                    ended.settle()
                except Exception:
                    guard.failed("settle")
        return bool(self.unsettled)

    def relieve(self) -> None:
        """On the loop, when more than `RELIEF` wait or the ship is overdue: settle and pack them, while the processor's
        caches still have them. Where another thread settles, it goes on doing so.

        Then give way to a ship that is overdue: a loop that never idles lets the GIL go at each look for events, for
        too short a time for another thread to get it, and pays for waking that thread each time.
        """
        if self._settling.acquire(blocking=False):
            try:
                self.settle(RELIEF)
                self._pack()
            except Exception:
                guard.failed("pack")
            finally:
                self._settling.release()
        if self.clock.now() > self.ship_due_ns:
            self.give_way()

    def _pack(self) -> None:
        if spans := self._first_spans(MOST_SPANS - self._packed_spans):
            self.packed.append((tape.pack_records(spans), len(spans)))
            self._packed_spans += len(spans)

    def _first_spans(self, most: int) -> list[tuple[Any, ...]]:
        taken = self.spans[:most]
        del self.spans[: len(taken)]
        return taken

    def expect_ship(self, seconds: float) -> None:
        """The ship wants the GIL again in so many."""
        self.ship_due_ns = self.clock.now() + round(seconds * 1e9) + _OVERDUE_NS

    def take(self, most: int) -> tuple[list[tuple[bytes, int]], list[tuple[Any, ...]]]:
        """What the loop has packed, and up to `most` of the others, which are newer."""
        with self._settling:  # else the loop packs some of them meanwhile
            self.settle(most)
            packed, self.packed, self._packed_spans = self.packed, [], 0
            return packed, self._first_spans(most)

    def take_spans(self, most: int) -> list[tuple[Any, ...]]:
        """Up to `most` ended spans, oldest first, where no loop packs any."""
        return self.take(most)[1]

    def take_cells(self) -> list[tuple[Any, ...]]:
        """The cells that changed since the last time."""
        self._bring_up_to_date()
        cells = self.changed[:]
        del self.changed[: len(cells)]
        return [_take(cell) for cell in cells]

    def all_cells(self) -> list[tuple[Any, ...]]:
        """Every cell, for a watcher that knows none."""
        self.take_cells()
        return [cell.take() for instrument in self.instruments for cell in instrument]

    def collect(self) -> None:
        """Read what is read rather than counted: observable instruments, the bots' gauges."""
        self._bring_up_to_date()
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
        self.lock, self._settling = threading.RLock(), threading.RLock()
        self.forked = True
        self.on = self.shipping = self.deferring = self.logs.on = False
        self.ship_due_ns = NEVER
        self._empty()

    def restart(self) -> None:
        """In a forked child that calls `watch()`: count from zero."""
        self._empty()
        self.forked = False
        self.on = self.shipping = self.logs.on = True

    def _empty(self) -> None:
        self.unsettled.clear()
        self.packed.clear()
        self._packed_spans = 0
        self.spans.clear()
        self.logs.empty()
        self.ended_spans = self.dropped_spans = 0
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
