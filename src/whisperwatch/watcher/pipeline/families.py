"""The streams as Prometheus families: which series there are, and of which cells each is made.

One family a name over all scopes and streams, with the union of their labels; no scope labels. That changes only when
something is defined or a resource changes, so it is laid out once and looked at by every scrape.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.samples import Exemplar as PrometheusExemplar
from prometheus_client.utils import floatToGoString as go_float

from whisperwatch.watcher.naming import UnnamableError, label_name, metric_name, unit_suffixes
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

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Series:
    """The numbers under one set of labels: a cell's, or the sum of those of several scopes of one stream."""

    stream: Records
    cells: list[Cell]

    @property
    def value(self) -> Value:
        first, *others = [cell.value for cell in self.cells if cell.value is not None]
        for other in others:
            first = _sum(first, other)
        return first

    @property
    def exemplars(self) -> Mapping[int, Exemplar]:
        if len(self.cells) == 1:
            return self.cells[0].exemplars
        return {index: exemplar for cell in self.cells for index, exemplar in cell.exemplars.items()}


@dataclass
class Family:
    """A Prometheus metric. `bounds` belong to histograms."""

    name: str
    kind: str
    help: str
    unit: str
    bounds: tuple[float, ...]
    series: dict[Labels, Series] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """The labels that any of its series has."""
        return sorted({key for labels in self.series for key, _ in labels})

    def metric(
        self, points: Iterable[tuple[Labels, Value, Mapping[int, Exemplar]]], keys: Sequence[str]
    ) -> Metric:
        """prometheus_client's, with these points."""
        made: Metric = _FAMILIES[self.kind](self.name, self.help, labels=keys, unit=self.unit)
        for labels, value, exemplars in points:
            known = dict(labels)
            values = [known.get(key, "") for key in keys]
            if isinstance(made, HistogramMetricFamily):
                made.add_metric(values, self._buckets(value[4], exemplars), value[1])
            elif isinstance(made, CounterMetricFamily | GaugeMetricFamily):
                made.add_metric(values, value[0])
        return made

    def _buckets(self, counts: Sequence[int], exemplars: Mapping[int, Exemplar]) -> list[Any]:
        buckets: list[Any] = []
        so_far = 0
        for index, (bound, count) in enumerate(zip((*self.bounds, math.inf), counts, strict=True)):
            so_far += count
            exemplar = exemplars.get(index)
            buckets.append((_bound(bound), so_far, _exemplar(exemplar) if exemplar else None))
        return buckets


class Layout:
    """The families of some streams, for as long as nothing more is defined."""

    def __init__(self, streams: Sequence[Records]) -> None:
        self._signature = _signature(streams)
        self._without_value: list[Cell] = []
        found: dict[str, Family] = {}
        claimed = dict.fromkeys(_sample_names("target", "info"), "target")
        for stream in streams:
            extra = {_INSTANCE_LABEL: str(stream.resource.get(_INSTANCE, ""))} if stream.slot else {}
            for instrument in stream.instruments:
                family = _family_of(found, claimed, instrument)
                if family is not None:
                    for cell in instrument.cells:
                        self._add(family, stream, cell, extra)
        self.target = _target_info(streams)
        self.families = [family for family in found.values() if family.series]

    def fits(self, streams: Sequence[Records]) -> bool:
        """Whether it is still what `Layout(streams)` would be."""
        return self._signature == _signature(streams) and all(
            cell.value is None for cell in self._without_value
        )

    def collect(self) -> Iterator[Metric]:
        """Everything as prometheus_client has it, with the newest values: `target_info` first."""
        if self.target is not None:
            yield self.target
        for family in self.families:
            points = [(labels, one.value, one.exemplars) for labels, one in family.series.items()]
            yield family.metric(points, family.keys)

    def _add(self, family: Family, stream: Records, cell: Cell, extra: Mapping[str, str]) -> None:
        if cell.value is None:
            self._without_value.append(cell)
            return
        key = tuple(sorted({**_labels(cell.attributes), **extra}.items()))
        before = family.series.get(key)
        if before is None or before.stream is not stream or family.kind == "gauge":
            # the same series of two processes: the later one is the one that lives
            family.series[key] = Series(stream, [cell])
        else:
            before.cells.append(cell)


def _signature(streams: Iterable[Records]) -> list[tuple[Records, int, dict[str, Any]]]:
    return [(stream, stream.defined, dict(stream.resource)) for stream in streams]


def _family_of(found: dict[str, Family], claimed: dict[str, str], instrument: Instrument) -> Family | None:
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
        unit = _unit(instrument, name)
        family = found[name] = Family(name, kind, instrument.description, unit, instrument.bounds)
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


def _sum(one: Value, other: Value) -> Value:
    """Two scopes counted the same thing: the scopes are no labels, so their series is the sum."""
    if len(one) == 1 or len(other) == 1:
        return (one[0] + other[0],)
    buckets = tuple(a + b for a, b in zip(one[4], other[4], strict=True))
    return one[0] + other[0], one[1] + other[1], None, None, buckets


def _bound(bound: float) -> str:
    return str(go_float(bound))  # type: ignore[no-untyped-call]


def _exemplar(exemplar: Exemplar) -> PrometheusExemplar:
    ids = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    return PrometheusExemplar(ids, exemplar.value, exemplar.time / 1e9)


def _target_info(streams: Sequence[Records]) -> Metric | None:
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
