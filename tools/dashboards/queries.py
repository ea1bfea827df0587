"""From a question to what Grafana asks the data sources: PromQL, LogQL, TraceQL with Grafana's variables in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tools.dashboards.panels import BAR, OURS, WINDOW, Ask, Board, Kind, PromQL
from tools.dashboards.units import COUNT, unit
from whisperwatch.semconv import COMPONENT, SHARD
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.language import (
    Expression,
    LogCount,
    LogQuestion,
    Measure,
    MetricQuestion,
    Ratio,
    Top,
    TraceSearch,
)
from whisperwatch.watcher.query.language.checking import check, measures_of
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.query.loki import rendering as loki
from whisperwatch.watcher.query.prometheus.expressions import promql
from whisperwatch.watcher.query.prometheus.selectors import label_of
from whisperwatch.watcher.query.tempo import rendering as tempo

Source = Literal["prometheus", "loki", "tempo"]
NARROWED: Final = {"shard": SHARD, "component": COMPONENT}
"""The attributes that variables stand for. Series without the attribute aren't narrowed."""
WHOLE: Final[frozenset[Kind]] = frozenset({"stat", "table"})
"""Kinds of panels that show one number of the whole time, not many over time."""


_UNTRACED: Final = frozenset(
    {"bot.event_loop.lag", "cpython.gc.pause.duration", "db.client.connection.wait_time"}
)
"""Durations that are measured outside of any message: they have no exemplars."""


@dataclass(frozen=True, slots=True)
class Query:
    """What one data source is asked.

    Attributes:
        labels: those that tell series apart.
        decimals: None leaves it to Grafana.
        instant: one moment, not many.
        exemplars: traces are asked for with it.
        most: records or traces.
    """

    source: Source
    text: str
    unit: str
    labels: tuple[str, ...] = ()
    decimals: int | None = None
    instant: bool = False
    exemplars: bool = False
    most: int = 0


def query(ask: Ask, kind: Kind, board: Board) -> Query:
    """The query of a panel's question.

    Raises:
        QuestionError: it is none, or of what does not exist.
        ValueError: it can't be asked on this dashboard.
    """
    whole = kind in WHOLE
    if isinstance(ask, PromQL):
        return Query("prometheus", ask.text, COUNT, ask.by, 0, whole)
    match parse(ask):
        case MetricQuestion(expression, _):
            return _metrics(expression, whole, board)
        case LogQuestion(_, filter, most):
            return Query("loki", loki.logs(filter, "$name", _log_stage(board)), COUNT, most=most)
        case LogCount(_, filter, by):
            window = "$__range" if whole else BAR
            text = loki.counts(filter, by, window, "$name", also=_log_stage(board))
            return Query("loki", text, COUNT, tuple(loki.KEYS[key] for key in by), 0, whole)
        case TraceSearch() as search:
            text = tempo.search(search, "$name", ('resource.service.instance.id =~ "$instance"',))
            return Query("tempo", text, "none", most=search.most)
    raise ValueError(f"{ask!r} is no question of a dashboard's")


def _metrics(expression: Expression, whole: bool, board: Board) -> Query:
    check(expression, DECLARED)
    if isinstance(expression, Top) and not whole:
        raise ValueError("over time Grafana's top changes at each point: it is for tables alone")
    measures = measures_of(expression)
    window = _window(measures, whole)
    text = _promql(expression, window, ", ".join([OURS, *_narrowing(expression, board)]))
    found, times = unit(expression)
    if times != 1:
        text = f"{times} * {text}"
    first = measures[0]
    decimals = None if found != COUNT else 1 if first.function == "avg" else 0
    exemplars = not whole and first.function == "quantile" and first.metric not in _UNTRACED
    return Query("prometheus", text, found, tuple(map(label_of, first.by)), decimals, whole, exemplars)


def _promql(expression: Expression, window: str, ours: str) -> str:
    """Of what is counted, the share that nobody has counted yet is 0: a series begins with its first error."""
    match expression:
        case Ratio(over, under) if over.metric == under.metric and over.by == under.by:
            part, whole = (promql(one, DECLARED, window, ours) for one in (over, under))
            return f"({part} or 0 * {whole}) / {whole}"
        case _:
            return promql(expression, DECLARED, window, ours)


def _window(measures: Sequence[Measure], whole: bool) -> str:
    """Gauges are of now, where one number is shown."""
    if whole:
        levels = all(DECLARED[measure.metric].kind in ("gauge", "updowncounter") for measure in measures)
        return WINDOW if levels else "$__range"
    return BAR if measures[0].function == "increase" else WINDOW


def _narrowing(expression: Expression, board: Board) -> Iterator[str]:
    for variable in board.narrowed:
        attribute = NARROWED[variable]
        have = {attribute in (DECLARED[one.metric].attributes or ()) for one in measures_of(expression)}
        if have == {True, False}:
            raise ValueError(f"a ratio of what has {attribute} and what hasn't can't be narrowed by it")
        if have == {True}:
            yield f'{label_of(attribute)}=~"${variable}"'


def _log_stage(board: Board) -> str:
    stages = ['service_instance_id=~"$instance"']
    if "component" in board.narrowed:
        stages.append('bot_component=~"$component"')
    return f"| {', '.join(stages)}"
