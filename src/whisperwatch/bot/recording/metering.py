"""Our meter provider: the API's instruments over cells, and the SDK's readers over both.

What cells can't do is refused by name: Views, other aggregations than the default ones (exponential histograms among
them), `OTEL_CONFIG_FILE`. Who needs them sets the SDK's own provider, and it is used.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from opentelemetry import metrics
from opentelemetry.sdk.environment_variables import OTEL_METRICS_EXEMPLAR_FILTER
from opentelemetry.sdk.metrics import MeterProvider as SDKMeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import DefaultAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.recording import instruments as made
from whisperwatch.bot.recording.cells import DEFAULT_CAP, Distribution, Instrument
from whisperwatch.bot.recording.reading import MetricReading
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.version import __version__

logger = logging.getLogger(__name__)

SDK_BOUNDS = (
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0,
)  # fmt: skip
"""What the SDK gives a histogram that advises none."""

_CELL_KINDS: dict[Any, semconv.Kind] = {
    made.Counter: "counter",
    made.UpDownCounter: "updowncounter",
    made.Gauge: "gauge",
    made.Histogram: "histogram",
    made.ObservableCounter: "counter",
    made.ObservableUpDownCounter: "updowncounter",
    made.ObservableGauge: "gauge",
}


class Unsupported(ValueError):
    """Something of the SDK that our provider can't do; the message names it and the way out."""


class Meter(metrics.Meter):
    """Instruments of one scope. What is an instrument of its own, and what the same again, is as in the SDK.

    Raises:
        ValueError: of each `create_*`: a name or a unit that the OpenTelemetry specification doesn't allow.
    """

    def __init__(self, scope: InstrumentationScope, cap: int) -> None:
        super().__init__(scope.name, scope.version, scope.schema_url)
        self._scope = recorder.define_scope(scope.name, scope.version, scope.schema_url, scope.attributes)
        self._cap = cap
        self._made: dict[str, Any] = {}

    def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics.Counter:
        return self._make(made.Counter, name, unit, description)  # type: ignore[no-any-return]

    def create_up_down_counter(
        self, name: str, unit: str = "", description: str = ""
    ) -> metrics.UpDownCounter:
        return self._make(made.UpDownCounter, name, unit, description)  # type: ignore[no-any-return]

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> metrics._Gauge:
        return self._make(made.Gauge, name, unit, description)  # type: ignore[no-any-return]

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> metrics.Histogram:
        advised = _checked(name, explicit_bucket_boundaries_advisory)
        bounds = SDK_BOUNDS if advised is None else advised
        return self._make(made.Histogram, name, unit, description, bounds, advised)  # type: ignore[no-any-return]

    def create_observable_counter(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableCounter:
        return self._make(made.ObservableCounter, name, unit, description, callbacks=callbacks)  # type: ignore[no-any-return]

    def create_observable_up_down_counter(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableUpDownCounter:
        return self._make(made.ObservableUpDownCounter, name, unit, description, callbacks=callbacks)  # type: ignore[no-any-return]

    def create_observable_gauge(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableGauge:
        return self._make(made.ObservableGauge, name, unit, description, callbacks=callbacks)  # type: ignore[no-any-return]

    def _make(
        self,
        kind: Any,
        name: str,
        unit: str,
        description: str,
        bounds: tuple[float, ...] = (),
        advised: Any = None,
        callbacks: Any = None,
    ) -> Any:
        name, unit, description = _described(name, unit, description)
        with recorder.lock:
            status = self._register_instrument(name, kind, unit, description, advised)
            if not status.already_registered:
                instrument = recorder.define_instrument(
                    self._scope, name, _CELL_KINDS[kind], unit, description, bounds, self._cap, kind.__name__
                )
                arguments = (callbacks,) if issubclass(kind, made.Observable) else ()
                self._made[status.instrument_id] = kind(instrument, *arguments)
        if status.conflict:
            self._log_instrument_registration_conflict(name, kind.__name__, unit, description, status)
        return self._made[status.instrument_id]


class MeterProvider(SDKMeterProvider):
    """The SDK's provider over cells. Readers may be added; collecting for one pays the SDK's price.

    Raises:
        Unsupported: views.
    """

    def __init__(
        self,
        metric_readers: Sequence[MetricReader] = (),
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        views: Sequence[View] = (),
        cap: int = DEFAULT_CAP,
    ) -> None:
        if views:
            raise unsupported("Views")
        super().__init__((), resource, None, shutdown_on_exit)
        self.cap = cap
        self._host: metrics.MeterProvider | None = None
        self._own_meters: dict[InstrumentationScope, Meter] = {}
        self._readings: dict[MetricReader, MetricReading] = {}
        Distribution.with_exemplars = os.environ.get(OTEL_METRICS_EXEMPLAR_FILTER) != "always_off"
        Distribution.keeps_taken = False
        for reader in metric_readers:
            self.add_metric_reader(reader)

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> metrics.Meter:
        if self._disabled or self._shutdown or not name:
            if self._shutdown:
                logger.warning("A shutdown `MeterProvider` can not provide a `Meter`")
            elif not name:
                logger.warning("Meter name cannot be None or empty.")
            return metrics.NoOpMeter(name, version, schema_url)
        scope = InstrumentationScope(name, version, schema_url, attributes)
        with self._meter_lock:
            if scope not in self._own_meters:
                self._own_meters[scope] = Meter(scope, self.cap)
            return self._own_meters[scope]

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Let an SDK reader collect from the cells.

        Raises:
            Unsupported: it prefers another aggregation than the default one.
        """
        for aggregation in metric_reader._instrument_class_aggregation.values():
            if not isinstance(aggregation, DefaultAggregation):
                raise unsupported(f"{type(aggregation).__name__} (which a metric reader prefers)")
        with self._all_metric_readers_lock:
            if metric_reader in self._all_metric_readers:
                logger.warning("MetricReader '%s' has been registered already!", metric_reader)
                return
            Distribution.keeps_taken = True
            self._readings[metric_reader] = MetricReading(metric_reader, lambda: self._sdk_config.resource)
            self._metric_readers = tuple(self._readings)
            self._all_metric_readers.add(metric_reader)
        metric_reader._set_collect_callback(self._read)  # type: ignore[arg-type]
        metric_reader._set_meter_provider(self)

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        with self._all_metric_readers_lock:
            if metric_reader not in self._readings:
                logger.warning("MetricReader '%s' has not been registered!", metric_reader)
                return
            del self._readings[metric_reader]
            self._metric_readers = tuple(self._readings)
            self._all_metric_readers.discard(metric_reader)
        metric_reader._set_collect_callback(None)
        metric_reader.shutdown()

    def _read(self, reader: MetricReader, timeout_millis: float = 10_000) -> MetricsData | None:
        recorder.collect()
        return self._readings[reader].read()

    @property
    def hosted(self) -> bool:
        """Whether every point goes to a host's provider too."""
        return self._host is not None

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return bool(super().force_flush(timeout_millis) and recorder.flush_tape(timeout_millis))

    def hand_over(self, host: metrics.MeterProvider) -> None:
        """From now on every point also goes to the host's instruments."""
        self._host = host
        recorder.when_defined = self._mirror
        for instrument in recorder.instruments:
            self._mirror(instrument)
        # Whatever is read rather than counted is read when the host collects. It observes nothing itself.
        host.get_meter(semconv.SCOPE, __version__).create_observable_gauge(
            "whisperwatch.collection", [_collect]
        )

    def _mirror(self, instrument: Instrument) -> None:
        """Let each point of `instrument` from now on reach the host's instrument of the same name too."""
        assert self._host is not None
        try:
            scope = recorder.scope_of(instrument)
            meter = self._host.get_meter(
                scope.name, scope.version or None, scope.schema_url, scope.attributes
            )
            instrument.reflect(_twin(meter, instrument))
        except Exception:
            guard.failed(f"mirror {instrument.name}")


def unsupported(what: str) -> Unsupported:
    """The refusal of `what`, with the way out."""
    return Unsupported(
        f"Whisperwatch's providers do not support {what}: set the OpenTelemetry SDK's own TracerProvider and "
        "MeterProvider before watch(), and Whisperwatch records through those"
    )


def _collect(_: metrics.CallbackOptions) -> Sequence[metrics.Observation]:
    recorder.collect()
    return ()


def _twin(meter: metrics.Meter, instrument: Instrument) -> Any:
    about = (instrument.name, instrument.unit, instrument.description)
    if instrument.kind == "histogram":
        return meter.create_histogram(*about, explicit_bucket_boundaries_advisory=list(instrument.bounds))
    if instrument.kind == "gauge":
        return meter.create_gauge(*about)
    return (
        meter.create_counter(*about) if instrument.kind == "counter" else meter.create_up_down_counter(*about)
    )


def _described(name: str, unit: str, description: str) -> tuple[str, str, str]:
    checked = metrics.Instrument._check_name_unit_description(name, unit, description)
    if checked["name"] is None:
        raise ValueError(f"Expected ASCII string of maximum length 255 characters but got {name}")
    if checked["unit"] is None:
        raise ValueError(f"Expected ASCII string of maximum length 63 characters but got {unit}")
    return name.lower(), checked["unit"], checked["description"] or ""


def _checked(name: str, bounds: Any) -> tuple[float, ...] | None:
    """Bucket bounds that a histogram advises, or None."""
    if bounds is None:
        return None
    if not isinstance(bounds, Sequence) or not all(isinstance(bound, int | float) for bound in bounds):
        logger.warning("explicit_bucket_boundaries_advisory must be a sequence of numbers")
        return None
    if not all(map(isfinite, bounds)) or any(low >= high for low, high in pairwise(bounds)):
        logger.warning(
            "The bucket boundaries %s of histogram %s are not finite and increasing: it gets the default ones.",
            bounds,
            name,
        )
        return None
    return tuple(bounds)
