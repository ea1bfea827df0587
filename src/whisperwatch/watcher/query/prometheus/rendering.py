"""Expressions as PromQL.

In two ways. `exact` is what the engine asks: what was counted in the window, no more and no less. `familiar` is what
people write, read and put on panels; there Prometheus' own `increase` and `rate` extrapolate to the window's edges, so
they differ by up to one scrape interval's share of the window, and a window that holds one sample has no answer.

What was counted in a window is the newest value in it less the newest one before it. All of it was counted in the
window where there is none before, for a cell counts from 0, or where some value in the window is lower, for then it
began anew in between. Where it begins anew within the window, Prometheus' `increase` has to do; it is asked for a
millisecond more, so that it sees a sample on the window's edge.

Only functions that every store with Prometheus' API has are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Measure
from whisperwatch.watcher.query.language.measures import LOOK_BACK_S
from whisperwatch.watcher.query.prometheus.selectors import label_of, selector

_OVER_TIME: Final = {"max": "max", "min": "min"}
_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
BEFORE_S: Final = 900
"""How old the sample before a window may be. A series that was silent for longer counts as new."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Series that count, and how they are grouped.

    Attributes:
        suffix: a histogram's `_bucket`, `_sum` or `_count`.
        ours: a matcher of this bot's series.
    """

    measure: Measure
    metric: Known
    suffix: str
    ours: str | None

    @property
    def by(self) -> str:
        """What an aggregation is grouped by."""
        return _by(self.measure, le=self.suffix == "_bucket")

    def series(self, *matchers: str) -> str:
        """Their selector; only those that fit further matchers."""
        ours = ", ".join([*([self.ours] if self.ours else []), *matchers])
        return selector(self.metric, self.suffix, self.measure.where, ours or None)


def cells(measure: Measure, metric: Known, ours: str | None = None) -> list[Cells]:
    """What a measure is made of, as far as it is counted: of an average what was measured, and how often."""
    histogram = metric.kind == "histogram"
    suffixes: dict[str, tuple[str, ...]] = {
        "increase": ("_count" if histogram else "",),
        "sum": ("_sum",),
        "quantile": ("_bucket",),
        "avg": ("_sum", "_count") if histogram else (),
    }
    asked = "increase" if measure.function == "rate" else measure.function
    return [Cells(measure, metric, suffix, ours) for suffix in suffixes.get(asked, ())]


def exact(measure: Measure, metric: Known, window: int, ours: str | None = None) -> str:
    """A measure over windows of so many seconds, as `language.measures` defines it; of a quantile the buckets that it
    is estimated of."""
    parts = [counted(some, window) for some in cells(measure, metric, ours)]
    if not parts:
        return familiar(measure, metric, window, ours)
    if measure.function == "avg":
        total, count = parts
        return f"{total} / ({count} > 0)"
    return f"{parts[0]} / {window}" if measure.function == "rate" else parts[0]


def familiar(measure: Measure, metric: Known, window: int | str, ours: str | None = None) -> str:
    """The same as people write it. A `window` that is a text is one that Grafana puts in: `$__rate_interval`."""
    function, by, span = measure.function, _by(measure), duration(window)

    def of(suffix: str = "") -> str:
        return selector(metric, suffix, measure.where, ours)

    if function in ("increase", "rate"):
        series = of("_count" if metric.kind == "histogram" else "")
        return f"sum{by}({function}({series}[{span}]))"
    if function == "sum":
        return f"sum{by}(increase({of('_sum')}[{span}]))"
    if function == "quantile":
        by_le = _by(measure, le=True)
        return f"histogram_quantile({measure.quantile!r}, sum{by_le}(rate({of('_bucket')}[{span}])))"
    if function == "avg" and metric.kind == "histogram":
        return f"sum{by}(rate({of('_sum')}[{span}])) / sum{by}(rate({of('_count')}[{span}]))"
    if function == "avg":
        return f"sum{by}(sum_over_time({of()}[{span}])) / sum{by}(count_over_time({of()}[{span}]))"
    if function == "last":
        return f"sum{by}(last_over_time({of()}[{duration(LOOK_BACK_S)}]))"
    over = _OVER_TIME[function]
    return f"{over}{by}({over}_over_time({of()}[{span}]))"


def counted(some: Cells, window: int) -> str:
    """What was counted in a window of so many seconds, by groups."""
    series, by, span = some.series(), some.by, duration(window)
    newest, least = f"last_over_time({series}[{span}])", f"min_over_time({series}[{span}])"
    before = f"last_over_time({series}[{duration(BEFORE_S)}] offset {span})"
    return (
        f"sum{by}((increase({series}[{span}1ms]) and resets({series}[{span}]) > 0)"
        f" or ({newest} - ({before} <= {least}))"
        f" or {newest})"
    )


def _by(measure: Measure, *, le: bool = False) -> str:
    labels = [*map(label_of, measure.by), *(["le"] if le else [])]
    return f" by ({', '.join(labels)}) " if labels else ""


def duration(seconds: int | str) -> str:
    """As PromQL writes it: `1h30m`. A text is a variable of Grafana's, and stays."""
    if isinstance(seconds, str):
        return seconds
    return milliseconds(seconds * 1000)


def milliseconds(number: int) -> str:
    """The same of so many ms."""
    parts = []
    for unit, size in _UNITS:
        count, number = divmod(number, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
