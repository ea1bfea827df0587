"""A question as its text: what `parse` reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from whisperwatch.watcher.query.language.logs import LogCount, LogFilter, LogQuestion
from whisperwatch.watcher.query.language.measures import Expression, Match, Measure, Ratio, Top
from whisperwatch.watcher.query.language.periods import Period
from whisperwatch.watcher.query.language.questions import MetricQuestion, Question
from whisperwatch.watcher.query.language.traces import TraceQuestion, TraceSearch
from whisperwatch.watcher.query.language.words import quoted


def text(question: Question) -> str:
    """The question, as people write it."""
    return " ".join(_words(question))


def _words(question: Question) -> Iterator[str]:
    match question:
        case MetricQuestion(expression, period, compared_s):
            yield expression_text(expression)
            yield from _period(period)
            if compared_s is not None:
                yield f"compared {seconds(compared_s)}" if compared_s else "compared"
        case LogQuestion(period, filter, most):
            yield "logs"
            yield from _where(_log_conditions(filter))
            yield from _period(period)
            yield f"limit {most}"
        case LogCount(period, filter, by):
            yield "count logs"
            yield from _where(_log_conditions(filter))
            if by:
                yield f"by {', '.join(by)}"
            yield from _period(period)
        case TraceSearch():
            yield "traces"
            yield from _where(_trace_conditions(question))
            yield from _period(question.period)
            if question.slowest:
                yield "slowest"
            yield f"limit {question.most}"
        case TraceQuestion(trace_id):
            yield f"trace {trace_id}"


def expression_text(expression: Expression) -> str:
    """An expression without its period."""
    match expression:
        case Top(most, of):
            return f"top {most} {expression_text(of)}"
        case Ratio(over, under):
            return f"{expression_text(over)} / {expression_text(under)}"
        case Measure(function, metric, where, by, quantile):
            name = function if quantile is None else f"p{round(quantile * 100, 8):g}"
            conditions = "".join(f" {word}" for word in _where(map(_match, where)))
            groups = f" by {', '.join(by)}" if by else ""
            return f"{name}({metric}{conditions}){groups}"


def seconds(duration: float) -> str:
    """A duration, as `1h30m`."""
    left = round(duration * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _period(period: Period) -> Iterator[str]:
    yield f"over {seconds(period.over_s)}"
    if period.every_s is not None:
        yield f"every {seconds(period.every_s)}"
    if period.window_s is not None:
        yield f"window {seconds(period.window_s)}"
    if period.until is not None:
        yield f"until {datetime.fromtimestamp(period.until, UTC).isoformat().replace('+00:00', 'Z')}"


def _where(conditions: Iterable[str]) -> Iterator[str]:
    told = " and ".join(conditions)
    if told:
        yield f"where {told}"


def _match(match: Match) -> str:
    if len(match.values) == 1:
        return f"{match.attribute} {'!=' if match.negated else '='} {quoted(match.values[0])}"
    values = ", ".join(map(quoted, match.values))
    return f"{match.attribute} {'not in' if match.negated else 'in'} ({values})"


def _log_conditions(filter: LogFilter) -> Iterator[str]:
    if filter.level is not None:
        yield f"level >= {filter.level}"
    if len(filter.components) == 1:
        yield f"component = {filter.components[0]}"
    elif filter.components:
        yield f"component in ({', '.join(filter.components)})"
    if filter.text is not None:
        yield f"text contains {quoted(filter.text)}"
    for name, value in (
        ("logger", filter.logger), ("trace", filter.trace_id), ("instance", filter.instance), ("event", filter.event),
    ):  # fmt: skip
        if value is not None:
            yield f"{name} = {quoted(value)}"


def _trace_conditions(search: TraceSearch) -> Iterator[str]:
    if search.roots:
        yield _match(Match("root", search.roots))
    if search.longer_s is not None:
        yield f"duration >= {seconds(search.longer_s)}"
    if search.shorter_s is not None:
        yield f"duration <= {seconds(search.shorter_s)}"
    if search.error is not None:
        yield "error" if search.error else "not error"
    if search.instance is not None:
        yield f"instance = {quoted(search.instance)}"
    yield from map(_match, search.where)
