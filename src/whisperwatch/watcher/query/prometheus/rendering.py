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

from typing import Final

from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Measure
from whisperwatch.watcher.query.language.measures import LOOK_BACK_S
from whisperwatch.watcher.query.prometheus.selectors import label_of, selector

_OVER_TIME: Final = {"max": "max", "min": "min"}
BEFORE_S: Final = 900
"""How old the sample before a window may be. A series that was silent for longer counts as new."""


def exact(measure: Measure, metric: Known, window: int, ours: str | None = None) -> str:
    """A measure over windows of so many seconds, as `language.measures` defines it; of a quantile the buckets that it
    is estimated of."""
    function = measure.function

    def of(suffix: str = "", le: bool = False) -> str:
        return _counted(selector(metric, suffix, measure.where, ours), window, _by(measure, le=le))

    if function in ("increase", "rate"):
        counted = of("_count" if metric.kind == "histogram" else "")
        return counted if function == "increase" else f"{counted} / {window}"
    if function == "sum":
        return of("_sum")
    if function == "quantile":
        return of("_bucket", le=True)
    if function == "avg" and metric.kind == "histogram":
        return f"{of('_sum')} / ({of('_count')} > 0)"
    return familiar(measure, metric, window, ours)


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


def _counted(series: str, window: int, by: str) -> str:
    span = duration(window)
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
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
