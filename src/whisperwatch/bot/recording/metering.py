"""Our meter provider: the API's instruments over cells, and the SDK's readers over both.

What cells can't do is refused by name: Views, exponential histograms, `OTEL_CONFIG_FILE`. Who needs them sets the
SDK's own provider, and it is used.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider as SDKMeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from whisperwatch.bot import guard
from whisperwatch.bot.recording.cells import DEFAULT_CAP, Distribution, Instrument, Number, Value
from whisperwatch.bot.recording.reading import MetricReading
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import Span

logger = logging.getLogger(__name__)

SDK_BOUNDS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
"""What the SDK gives a histogram that advises none."""

Callback = Callable[[CallbackOptions], Any]


class Unsupported(ValueError):
    """Something of the SDK that our provider can't do; the message names it and the way out."""


class Counter(metrics.Counter):
    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument

    def add(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        if amount < 0:
            logger.warning("Add amount must be non-negative on Counter %s.", self.instrument.name)
            return
        _value(self.instrument, attributes).add(amount)


class UpDownCounter(metrics.UpDownCounter):
    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument

    def add(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        _value(self.instrument, attributes).add(amount)


class Gauge(metrics._Gauge):
    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument

    def set(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        _value(self.instrument, attributes).set(amount)


class Histogram(metrics.Histogram):
    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument

    def record(self, amount: Number, attributes: Any = None, context: Context | None = None) -> None:
        if amount < 0:
            logger.warning("Record amount must be non-negative on Histogram %s.", self.instrument.name)
            return
        cell = self.instrument.find(attributes)
        assert isinstance(cell, Distribution)
        span = trace.get_current_span(context)
        cell.record(amount, span if isinstance(span, Span) else None)


class _Observable:
    """Callbacks whose observations become the cells' values at each collection."""

    def __init__(self, instrument: Instrument, callbacks: Sequence[Callback] | None) -> None:
        self.instrument = instrument
        self.callbacks = [_as_function(callback) for callback in callbacks or ()]
        recorder.collectors.append(self.observe)

    def observe(self) -> None:
        for callback in self.callbacks:
            try:
                for observation in callback(CallbackOptions()):
                    if isinstance(observation, Observation):
                        _value(self.instrument, observation.attributes).set(observation.value)
            except Exception:
                logger.exception("Callback failed for instrument %s.", self.instrument.name)


class ObservableCounter(_Observable, metrics.ObservableCounter):
    pass


class ObservableUpDownCounter(_Observable, metrics.ObservableUpDownCounter):
    pass


class ObservableGauge(_Observable, metrics.ObservableGauge):
    pass


class Meter(metrics.Meter):
    """Instruments of one scope."""

    def __init__(self, provider: MeterProvider, scope: int, name: str, version: str | None, schema_url: str | None) -> None:
        super().__init__(name, version, schema_url)
        self.provider = provider
        self.scope = scope
        self._made: dict[tuple[str, Any], Any] = {}

    def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics.Counter:
        return self._make(Counter, "counter", name, unit, description)

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> metrics.UpDownCounter:
        return self._make(UpDownCounter, "updowncounter", name, unit, description)

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> metrics._Gauge:
        return self._make(Gauge, "gauge", name, unit, description)

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> metrics.Histogram:
        advised = explicit_bucket_boundaries_advisory
        bounds = SDK_BOUNDS if advised is None else tuple(advised)
        return self._make(Histogram, "histogram", name, unit, description, bounds)

    def create_observable_counter(
        self, name: str, callbacks: Sequence[Callback] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableCounter:
        return self._make(ObservableCounter, "counter", name, unit, description, (), callbacks)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[Callback] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableUpDownCounter:
        return self._make(ObservableUpDownCounter, "updowncounter", name, unit, description, (), callbacks)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[Callback] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableGauge:
        return self._make(ObservableGauge, "gauge", name, unit, description, (), callbacks)

    def _make(
        self,
        kind: Any,
        cell_kind: Any,
        name: str,
        unit: str,
        description: str,
        bounds: tuple[float, ...] = (),
        callbacks: Sequence[Callback] | None = None,
    ) -> Any:
        with recorder.lock:
            made = self._made.get((name.lower(), kind))
            if made is not None:
                return made
            if any(taken == name.lower() for taken, _ in self._made):
                logger.warning("An instrument named %s exists with another kind; both are recorded.", name)
            instrument = recorder.define_instrument(
                self.scope, name, cell_kind, unit or "", description or "", bounds, self.provider.cap
            )
            made = kind(instrument, callbacks) if issubclass(kind, _Observable) else kind(instrument)
            self._made[name.lower(), kind] = made
            self.provider.reflect(self, instrument)
            return made


class MeterProvider(SDKMeterProvider):
    """The SDK's provider over cells. Readers may be added; collecting for one pays the SDK's price.

    Raises:
        Unsupported: views, an exponential histogram, or `OTEL_CONFIG_FILE`.
    """

    def __init__(
        self,
        metric_readers: Sequence[MetricReader] = (),
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        views: Sequence[View] = (),
        cap: int = DEFAULT_CAP,
    ) -> None:
        _refuse(views)
        super().__init__((), resource, None, shutdown_on_exit)
        self.cap = cap
        self.host: metrics.MeterProvider | None = None
        self._own_meters: dict[Any, Meter] = {}
        self._readings: dict[MetricReader, MetricReading] = {}
        for reader in metric_readers:
            self.add_metric_reader(reader)

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> metrics.Meter:
        if self._disabled or self._shutdown:
            return metrics.NoOpMeter(name, version, schema_url)
        key = (name, version, schema_url, tuple(sorted((attributes or {}).items())))
        with self._meter_lock:
            if key not in self._own_meters:
                scope = recorder.define_scope(name, version, schema_url, attributes)
                self._own_meters[key] = Meter(self, scope, name, version, schema_url)
            return self._own_meters[key]

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        for aggregation in metric_reader._instrument_class_aggregation.values():
            if isinstance(aggregation, ExponentialBucketHistogramAggregation):
                raise Unsupported(_refusal("an exponential histogram"))
        self._readings[metric_reader] = MetricReading(metric_reader, lambda: self._sdk_config.resource)
        self._metric_readers = tuple(self._readings)
        metric_reader._set_collect_callback(self._read)  # type: ignore[arg-type]
        metric_reader._set_meter_provider(self)

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        self._readings.pop(metric_reader)
        self._metric_readers = tuple(self._readings)
        metric_reader._set_collect_callback(None)

    def _read(self, reader: MetricReader, timeout_millis: float = 10_000) -> Any:
        recorder.collect()
        return self._readings[reader].read()

    def hand_over(self, host: metrics.MeterProvider) -> None:
        """From now on every point also goes to the host's instruments."""
        self.host = host
        own = host.get_meter("whisperwatch")
        for instrument in recorder.instruments:
            mirror(instrument, own)

    def reflect(self, meter: Meter, instrument: Instrument) -> None:
        """Give a new instrument its mirror at the host's provider, where there is one."""
        if self.host is not None:
            mirror(instrument, self.host.get_meter(meter.name, meter.version, meter.schema_url))


def mirror(instrument: Instrument, meter: metrics.Meter) -> None:
    """Let each point of `instrument` from now on reach the host's instrument of the same name too."""
    _, _, _, name, kind, unit, description, bounds = next(
        d for d in recorder.definitions if d[0] == "instrument" and d[1] == instrument.number
    )
    try:
        if kind == "histogram":
            made: Any = meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=list(bounds))
        elif kind == "gauge":
            made = meter.create_gauge(name, unit, description)
        else:
            made = meter.create_counter(name, unit, description) if kind == "counter" else meter.create_up_down_counter(
                name, unit, description
            )
        instrument.reflect(made)
    except Exception:
        guard.failed(f"mirror {name}")


def _refuse(views: Sequence[View]) -> None:
    if views:
        raise Unsupported(_refusal("Views"))
    if os.environ.get("OTEL_CONFIG_FILE") or os.environ.get("OTEL_EXPERIMENTAL_CONFIG_FILE"):
        raise Unsupported(_refusal("OTEL_CONFIG_FILE"))


def _refusal(what: str) -> str:
    return (
        f"Whisperwatch's providers do not support {what}: set the OpenTelemetry SDK's own TracerProvider and "
        "MeterProvider before watch(), and Whisperwatch records through those"
    )


def _value(instrument: Instrument, attributes: Any) -> Value:
    cell = instrument.find(attributes)
    assert isinstance(cell, Value)
    return cell


def _as_function(callback: Any) -> Callback:
    """The API allows a generator that is sent the options, as well as a function."""
    if callable(callback):
        return callback  # type: ignore[no-any-return]
    next(callback)
    return lambda options: callback.send(options)
