"""The instruments that the OpenTelemetry API gives to whoever records a metric, over cells."""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import INVALID_SPAN, get_current_span

from whisperwatch.bot.recording.cells import Instrument, Number
from whisperwatch.bot.recording.numbers import number
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import Span

logger = logging.getLogger(__name__)

Callback = Callable[[CallbackOptions], Iterable[Observation]]
_observing = threading.RLock()
"""Held while callbacks are asked: the ship asks, and any reader."""


def _renew() -> None:
    global _observing
    _observing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


class _OverCells:
    """`name`, `unit` and `description` as the SDK's instruments have them; `_find` the cell of an attribute set."""

    def __init__(self, instrument: Instrument) -> None:
        self.name = instrument.name
        self.unit = instrument.unit
        self.description = instrument.description
        self.instrument = instrument
        self._find: Callable[[Any], Any] = instrument.find


class Counter(_OverCells, metrics.Counter):
    def add(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        value = number(amount)
        if value is None:
            logger.warning("Add amount %s is no finite number on Counter %s, ignored.", amount, self.name)
        elif value < 0:
            logger.warning("Add amount must be non-negative on Counter %s.", self.name)
        else:
            self._find(attributes).add(value)


class UpDownCounter(_OverCells, metrics.UpDownCounter):
    def add(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        value = number(amount)
        if value is None:
            logger.warning(
                "Add amount %s is no finite number on UpDownCounter %s, ignored.", amount, self.name
            )
        else:
            self._find(attributes).add(value)


class Gauge(_OverCells, metrics._Gauge):
    def set(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        value = number(amount)
        if value is None:
            logger.warning("Set amount %s is no finite number on Gauge %s, ignored.", amount, self.name)
        else:
            self._find(attributes).set(value)


class Histogram(_OverCells, metrics.Histogram):
    def record(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        value = number(amount)
        if value is None:
            logger.warning(
                "Record amount %s is no finite number on Histogram %s, ignored.", amount, self.name
            )
            return
        if value < 0:
            logger.warning("Record amount must be non-negative on Histogram %s.", self.name)
            return
        cell = self._find(attributes)
        span = get_current_span(context)
        if isinstance(span, Span):
            cell.record(value, span)
            return
        cell.record(value)
        if span is not INVALID_SPAN:
            around = span.get_span_context()
            if around.is_valid and around.trace_flags.sampled:
                cell.exemplify(value, around.trace_id, around.span_id)


class Observable(_OverCells):
    """Callbacks whose observations become the cells' values at each collection."""

    adds = True
    """Observations of one attribute set in one collection add up, as those of a sum do in the SDK."""

    def __init__(self, instrument: Instrument, callbacks: Sequence[Any] | None) -> None:
        super().__init__(instrument)
        self._callbacks = [_as_function(callback) for callback in callbacks or ()]
        instrument.observed = set()
        recorder.collectors.append(self.observe)

    def observe(self) -> None:
        """Ask the callbacks; one that fails is logged, and what it gave before that counts."""
        with _observing:
            found: dict[Any, Number] = defaultdict(int)
            for callback in self._callbacks:
                try:
                    for observation in callback(CallbackOptions()):
                        self._take(observation, found)
                except Exception:
                    logger.exception("Callback failed for instrument %s.", self.name)
            for cell, value in found.items():
                cell.set(value)
            self.instrument.observed = set(found)

    def _take(self, observation: Observation, found: dict[Any, Number]) -> None:
        value = number(observation.value)
        if value is None:
            logger.warning(
                "Callback returned %s for instrument %s, which is no finite number; ignored.",
                observation.value,
                self.name,
            )
            return
        cell = self._find(observation.attributes)
        found[cell] = found[cell] + value if self.adds else value


class ObservableCounter(Observable, metrics.ObservableCounter):
    pass


class ObservableUpDownCounter(Observable, metrics.ObservableUpDownCounter):
    pass


class ObservableGauge(Observable, metrics.ObservableGauge):
    adds = False


def _as_function(callback: Any) -> Callback:
    """The API allows a generator that is sent the options, as well as a function."""
    if not isinstance(callback, Generator):
        return callback  # type: ignore[no-any-return]
    next(callback)

    def send(options: CallbackOptions) -> Iterable[Observation]:
        try:
            return callback.send(options)  # type: ignore[no-any-return]
        except StopIteration:
            return ()

    return send
