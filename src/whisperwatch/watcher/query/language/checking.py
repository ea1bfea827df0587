"""Whether a question makes sense of what exists: metrics, attributes, functions of a kind, texts that can be found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from whisperwatch import semconv
from whisperwatch.watcher.query.language.errors import QuestionError
from whisperwatch.watcher.query.language.logs import LogFilter
from whisperwatch.watcher.query.language.measures import KINDS, Expression, Measure, Ratio, Top
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest

INSTANCE: Final = "service.instance.id"
MOST_TEXT: Final = 1_000
_TOLD: Final = 12


class Metric(Protocol):
    """What is known of a metric."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> semconv.Kind: ...
    @property
    def attributes(self) -> frozenset[str] | None: ...


def measures_of(expression: Expression) -> tuple[Measure, ...]:
    """The measures that an expression is made of."""
    match expression:
        case Measure():
            return (expression,)
        case Ratio(over, under):
            return over, under
        case Top(_, of):
            return measures_of(of)


def check(expression: Expression, metrics: Mapping[str, Metric]) -> None:
    """See that it can be answered.

    Raises:
        QuestionError: it can't.
    """
    for measure in measures_of(expression):
        _check_measure(measure, metrics)
    inner = expression.of if isinstance(expression, Top) else expression
    if isinstance(inner, Ratio) and (more := set(inner.under.by) - set(inner.over.by)):
        raise QuestionError(
            f"a ratio's second part can't be by {', '.join(sorted(more))}, for its first part isn't: each group is "
            "divided by what it is part of"
        )


def _check_measure(measure: Measure, metrics: Mapping[str, Metric]) -> None:
    metric = metrics.get(measure.metric)
    if metric is None:
        near = nearest(measure.metric, metrics) or _alike(measure.metric, metrics)
        told = ", ".join(near[:_TOLD]) or ", ".join(list(metrics)[:_TOLD]) + ", …"
        raise QuestionError(
            f"there is no metric {measure.metric!r}{did_you_mean(near[:1])}; there are {told} (docs/metrics.md has all)"
        )
    if metric.kind not in KINDS[measure.function]:
        fitting = [
            "p95" if name == "quantile" else name for name, kinds in KINDS.items() if metric.kind in kinds
        ]
        raise QuestionError(
            f"{measure.function} makes no sense of {metric.name}, which is a {metric.kind}: of that there are "
            f"{', '.join(fitting)}"
        )
    if metric.attributes is not None:
        known = metric.attributes | {INSTANCE, semconv.OVERFLOW}
        for attribute in (*(match.attribute for match in measure.where), *measure.by):
            if attribute not in known:
                meant = did_you_mean(nearest(attribute, known))
                told = ", ".join(sorted(known - {semconv.OVERFLOW}))
                raise QuestionError(f"{metric.name} has no attribute {attribute!r}{meant}; it has {told}")


def _alike(name: str, metrics: Iterable[str]) -> list[str]:
    parts = [part for part in name.split(".") if part]
    return [metric for metric in metrics if any(part in metric for part in parts)]


def check_filter(filter: LogFilter) -> None:
    """See that its text can be looked for.

    Raises:
        QuestionError: it can't.
    """
    if filter.text is None:
        return
    if "\0" in filter.text:
        raise QuestionError("a text with a null byte can't be looked for: no log has one")
    if len(filter.text) > MOST_TEXT:
        raise QuestionError(
            f"a text to look for has at most {MOST_TEXT:,} characters; this one has {len(filter.text):,}"
        )
