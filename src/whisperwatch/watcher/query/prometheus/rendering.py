"""Expressions as PromQL.

In two ways. `exact` is what the engine asks: what was counted in the window, no more and no less. `familiar` is what
people write, read and put on panels; there Prometheus' own `increase` and `rate` extrapolate to the window's edges, so
they differ by up to one scrape interval's share of the window, and a window that holds one sample has no answer.

What was counted in a window is the newest value in it less the one before it. Of a series that is new in the window,
all of it was: a cell counts from 0. Where it was reset in between, Prometheus' `increase` has to do; it is asked for a
second more than the window, so that it sees the last sample before it.
"""

from __future__ import annotations

from typing import Final

from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Measure
from whisperwatch.watcher.query.language.measures import LOOK_BACK_S
from whisperwatch.watcher.query.prometheus.selectors import label_of, selector

_OVER_TIME: Final = {"max": "max", "min": "min"}


def exact(measure: Measure, metric: Known, window: int, ours: str | None = None) -> str:
    """A measure over windows of so many seconds, as `language.measures` defines it."""
    function = measure.function

    def of(suffix: str = "", le: bool = False) -> str:
        return _counted(selector(metric, suffix, measure.where, ours), window, _by(measure, le=le))

    if function in ("increase", "rate"):
        counted = of("_count" if metric.kind == "histogram" else "")
        return counted if function == "increase" else f"{counted} / {window}"
    if function == "sum":
        return of("_sum")
    if function == "quantile":
        return f"histogram_quantile({measure.quantile!r}, {of('_bucket', le=True)})"
    if function == "avg" and metric.kind == "histogram":
        return f"{of('_sum')} / ({of('_count')} > 0)"
    return familiar(measure, metric, window, ours)


def familiar(measure: Measure, metric: Known, window: int, ours: str | None = None) -> str:
    """The same as people write it."""
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
    span, longer, before = duration(window), duration(window + 1), duration(window + LOOK_BACK_S)
    was_reset = f"resets({series}[{before}]) > 0"
    return (
        f"sum{by}(((last_over_time({series}[{span}]) - {series} offset {span}) unless {was_reset})"
        f" or (increase({series}[{longer}]) and {was_reset})"
        f" or last_over_time({series}[{span}]))"
    )


def _by(measure: Measure, *, le: bool = False) -> str:
    labels = [*map(label_of, measure.by), *(["le"] if le else [])]
    return f" by ({', '.join(labels)}) " if labels else ""


def duration(seconds: int) -> str:
    """As PromQL writes it: `1h30m`."""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
