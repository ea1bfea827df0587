"""A question as it is understood, and in the language of the store that people use for the like."""

from __future__ import annotations

from collections.abc import Iterator

from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.language import LogCount, LogQuestion, MetricQuestion, Question, TraceSearch
from whisperwatch.watcher.query.language.checking import check
from whisperwatch.watcher.query.language.periods import Period
from whisperwatch.watcher.query.language.printing import text
from whisperwatch.watcher.query.loki import rendering as loki
from whisperwatch.watcher.query.prometheus.expressions import promql
from whisperwatch.watcher.query.tempo import rendering as tempo


def explain(question: Question) -> Iterator[str]:
    """Its lines.

    Raises:
        QuestionError: a metric or an attribute of it does not exist.
    """
    yield text(question)
    match question:
        case MetricQuestion(expression, period):
            check(expression, DECLARED)
            yield f"PromQL:  {promql(expression, DECLARED, _window(period))}"
        case LogQuestion(_, filter):
            yield f"LogQL:   {loki.logs(filter, None)}"
        case LogCount(period, filter, by):
            yield f"LogQL:   {loki.counts(filter, by, _window(period), None)}"
        case TraceSearch():
            yield f"TraceQL: {tempo.search(question, None)}"


def _window(period: Period) -> int:
    return max(1, round(period.window_s or period.every_s or period.over_s))
