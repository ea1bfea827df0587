"""`/metrics`: the streams as Prometheus families, in the format that the scraper asks for.

One family a name over all scopes and streams, with the union of their labels; no scope labels. The text itself is
prometheus_client's business. opentelemetry-exporter-prometheus is not used, because it mixes label values up when two
scopes share a metric name; `tests/watcher/pipeline/test_exposition.py` compares the two.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Exemplar as PrometheusExemplar
from prometheus_client.utils import floatToGoString as go_float

from whisperwatch.watcher.pipeline.naming import UnnamableError, label_name, metric_name, unit_suffixes
from whisperwatch.watcher.records import Cell, Exemplar, Instrument, Records, Value

_logger = logging.getLogger(__name__)
_INSTANCE: Final = "service.instance.id"
_INSTANCE_LABEL: Final = "service_instance_id"
_PROMETHEUS_KIND: Final = {
    "counter": "counter", "updowncounter": "gauge", "gauge": "gauge", "histogram": "histogram",
}  # fmt: skip
_FAMILIES: Final[dict[str, Callable[..., Any]]] = {
    "counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily,
}  # fmt: skip
_SUFFIXES: Final = {
    "counter": ("", "_total", "_created"),
    "gauge": ("",),
    "histogram": ("", "_bucket", "_sum", "_count", "_created"),
    "info": ("", "_info"),
}
_SAID_AT_MOST: Final = 100
_said: set[str] = set()


def render(streams: Iterable[Records], accept_header: str | None) -> tuple[bytes, str]:
    """Everything that the streams hold, and its content type: OpenMetrics or Prometheus text, as the header asks."""
    encoder, content_type = choose_encoder(accept_header or "")
    return encoder(_Families(list(streams))), content_type


class _Families:
    """What prometheus_client's encoders want to be given: something that has `collect`."""

    def __init__(self, streams: list[Records]) -> None:
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        yield from families(self._streams)


@dataclass
class _Series:
    stream: Records
    value: Value
    exemplars: dict[int, Exemplar]


@dataclass
class _Family:
    kind: str
    help: str
    unit: str
    bounds: tuple[float, ...]
    series: dict[tuple[tuple[str, str], ...], _Series] = field(default_factory=dict)


def families(streams: list[Records]) -> Iterator[Metric]:
    """The streams as prometheus_client's families, `target_info` first."""
    found: dict[str, _Family] = {}
    claimed = dict.fromkeys(_sample_names("target", "info"), "target")
    for stream in streams:
        extra = {_INSTANCE_LABEL: str(stream.resource.get(_INSTANCE, ""))} if stream.slot else {}
        for instrument in stream.instruments:
            family = _family_of(found, claimed, instrument)
            if family is not None:
                for cell in instrument.cells:
                    _add(family, stream, cell, extra)
    if target := _target_info(streams):
        yield target
    for name, family in found.items():
        if family.series:
            yield _prometheus_family(name, family)


def _family_of(found: dict[str, _Family], claimed: dict[str, str], instrument: Instrument) -> _Family | None:
    try:
        full = metric_name(instrument.name, instrument.unit, instrument.kind)
    except UnnamableError as error:
        _say_once(instrument.name, str(error))
        return None
    kind = _PROMETHEUS_KIND[instrument.kind]
    name = full.removesuffix("_total") if kind == "counter" else full
    family = found.get(name)
    if family is None:
        if any(other in claimed for other in _sample_names(name, kind)):
            _say_once(
                full, f"/metrics leaves {instrument.name} out: {full} is a name of another metric's series"
            )
            return None
        claimed.update(dict.fromkeys(_sample_names(name, kind), name))
        family = found[name] = _Family(
            kind, instrument.description, _unit(instrument, name), instrument.bounds
        )
    if family.kind != kind or family.bounds != instrument.bounds:
        what = f"a {kind}" if family.kind != kind else "a histogram with other buckets"
        _say_once(
            full,
            f"/metrics leaves {instrument.name} of the scope {instrument.scope.name} out: it is {what}, and {full} was "
            f"first a {family.kind} of another scope or process",
        )
        return None
    return family


def _sample_names(name: str, kind: str) -> list[str]:
    return [name + suffix for suffix in _SUFFIXES[kind]]


def _unit(instrument: Instrument, name: str) -> str:
    """The unit, where the name ends with it, as OpenMetrics demands."""
    ratio = instrument.unit == "1" and instrument.kind == "gauge"
    unit = "ratio" if ratio else "_".join(filter(None, unit_suffixes(instrument.unit)))
    return unit if unit and name.endswith(f"_{unit}") else ""


def _add(family: _Family, stream: Records, cell: Cell, extra: Mapping[str, str]) -> None:
    if cell.value is None:
        return
    key = tuple(sorted({**_labels(cell.attributes), **extra}.items()))
    before = family.series.get(key)
    if before is None or before.stream is not stream or family.kind == "gauge":
        # the same series of two processes: the later one is the one that lives
        family.series[key] = _Series(stream, cell.value, cell.exemplars)
    else:
        before.value = _sum(before.value, cell.value)
        before.exemplars = {**before.exemplars, **cell.exemplars}


def _sum(one: Value, other: Value) -> Value:
    """Two scopes counted the same thing: the scopes are no labels, so their series is the sum."""
    if len(one) == 1 or len(other) == 1:
        return (one[0] + other[0],)
    buckets = tuple(a + b for a, b in zip(one[4], other[4], strict=True))
    return one[0] + other[0], one[1] + other[1], None, None, buckets


def _prometheus_family(name: str, family: _Family) -> Metric:
    keys = sorted({key for series in family.series for key, _ in series})
    made: Metric = _FAMILIES[family.kind](name, family.help, labels=keys, unit=family.unit)
    for labels, series in family.series.items():
        known = dict(labels)
        values = [known.get(key, "") for key in keys]
        if isinstance(made, HistogramMetricFamily):
            made.add_metric(values, _buckets(family.bounds, series), series.value[1])
        elif isinstance(made, CounterMetricFamily | GaugeMetricFamily):
            made.add_metric(values, series.value[0])
    return made


def _buckets(bounds: tuple[float, ...], series: _Series) -> list[Any]:
    buckets: list[Any] = []
    so_far = 0
    _, _, _, _, counts = series.value
    for index, (bound, count) in enumerate(zip((*bounds, math.inf), counts, strict=True)):
        so_far += count
        exemplar = series.exemplars.get(index)
        buckets.append((_bound(bound), so_far, _exemplar(exemplar) if exemplar else None))
    return buckets


def _bound(bound: float) -> str:
    return str(go_float(bound))  # type: ignore[no-untyped-call]


def _exemplar(exemplar: Exemplar) -> PrometheusExemplar:
    ids = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    return PrometheusExemplar(ids, exemplar.value, exemplar.time / 1e9)


def _target_info(streams: list[Records]) -> Metric | None:
    """One series for each process: what the resource says of it."""
    by_slot: dict[int, dict[str, str]] = {}
    for stream in streams:
        if stream.resource:
            by_slot.setdefault(stream.slot, _labels(stream.resource))
    if not by_slot:
        return None
    keys = sorted(set().union(*by_slot.values()))
    target = InfoMetricFamily("target", "Target metadata", labels=keys)
    for labels in by_slot.values():
        target.add_metric([labels.get(key, "") for key in keys], {})
    return target


def _labels(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Attributes as labels; where two keys become one label, their values are joined in the order of the keys."""
    labels: dict[str, str] = {}
    for key in sorted(attributes):
        try:
            label = label_name(key)
        except UnnamableError as error:
            _say_once(key, str(error))
            continue
        value = _label_value(attributes[key])
        labels[label] = f"{labels[label]};{value}" if label in labels else value
    return labels


def _label_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _say_once(what: str, message: str) -> None:
    if what not in _said and len(_said) < _SAID_AT_MOST:
        _said.add(what)
        _logger.warning("%s", message)
