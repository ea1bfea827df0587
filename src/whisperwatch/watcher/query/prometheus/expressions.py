"""Whole expressions as PromQL, for people, panels and rules."""

from __future__ import annotations

from collections.abc import Mapping

from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Expression, Measure, Ratio, Top
from whisperwatch.watcher.query.prometheus.rendering import familiar
from whisperwatch.watcher.query.prometheus.selectors import label_of


def promql(
    expression: Expression, metrics: Mapping[str, Known], window: int | str, ours: str | None = None
) -> str:
    """An expression over windows of so many seconds (or such as Grafana puts in: `$__rate_interval`), in PromQL that
    people read.

    Args:
        metrics: those that are named in it.
        ours: a matcher of this bot's series.
    """
    match expression:
        case Measure():
            return familiar(expression, metrics[expression.metric], window, ours)
        case Ratio(over, under):
            matching = ""
            if over.by != under.by:
                matching = f" on ({', '.join(map(label_of, under.by))}) group_left()"
            above = _operand(over, metrics[over.metric], window, ours)
            below = _operand(under, metrics[under.metric], window, ours)
            return f"{above} /{matching} {below}"
        case Top(most, of):
            return f"topk({most}, {promql(of, metrics, window, ours)})"


def _operand(measure: Measure, metric: Known, window: int | str, ours: str | None) -> str:
    text = familiar(measure, metric, window, ours)
    return f"({text})" if measure.function == "avg" else text
