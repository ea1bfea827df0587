"""Panels as Grafana's, by Grafana's own SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from string import ascii_uppercase
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    logs,
    loki,
    prometheus,
    stat,
    statetimeline,
    table,
    tempo,
    timeseries,
)
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.tempo import SearchTableType

from tools.dashboards import looks
from tools.dashboards.panels import LEAST_BAR, Board, Kind, Panel
from tools.dashboards.queries import Query, query
from tools.dashboards.sources import ALERTMANAGER, source
from tools.dashboards.units import COUNT

_HEIGHTS: Final[Mapping[Kind, int]] = {"stat": 4, "logs": 11, "traces": 11, "alerts": 11}
_HEIGHT: Final = 8
Queries = Mapping[str, Query]


def draw(panel: Panel, board: Board, number: int, width: int) -> Any:
    """A panel's builder.

    Args:
        number: its id, which no other of the dashboard has.
        width: columns.
    """
    queries = {name: query(ask, panel.kind, board) for name, ask in panel.asked.items()}
    _with_one_set_of_exemplars(queries)
    drawn = _DRAWN[panel.kind](panel, queries)
    drawn.id(number).title(panel.title).description(panel.good).span(width).height(
        _HEIGHTS.get(panel.kind, _HEIGHT)
    )
    for one in queries.values():
        drawn.datasource(source(one.source))
    if panel.kind in ("logs", "traces", "alerts"):
        drawn.unit("none")
    else:
        first = next(iter(queries.values()))
        drawn.unit(panel.unit or first.unit).mappings(looks.mappings(panel.states))
        drawn.thresholds(looks.thresholds(panel)).no_value(looks.NOTHING)
        if panel.kind == "stat" and first.decimals is not None and panel.states is None:
            drawn.decimals(first.decimals)
    for letter, (name, one) in zip(ascii_uppercase, queries.items(), strict=False):
        drawn.with_target(_target(one, name, letter, panel.kind))
    return drawn


def _with_one_set_of_exemplars(queries: dict[str, Query]) -> None:
    """P50 and P95 of a metric have the same: twice they would be two dots for one message."""
    having = [name for name, one in queries.items() if one.exemplars]
    queries |= {name: replace(queries[name], exemplars=False) for name in having[1:]}


def _stat(panel: Panel, queries: Queries) -> Any:
    several = len(queries) > 1 or any(one.labels for one in queries.values())
    coloured = panel.limits is not None or panel.states is not None
    return (
        stat.Panel()
        .graph_mode(options.BigValueGraphMode.NONE)
        .color_mode(
            options.BigValueColorMode.BACKGROUND_SOLID if coloured else options.BigValueColorMode.NONE
        )
        .text_mode(options.BigValueTextMode.VALUE_AND_NAME if several else options.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _lines(panel: Panel, queries: Queries) -> Any:
    drawn = _series(panel, queries).line_width(1).show_points(options.VisibilityMode.AUTO).span_nulls(False)
    if panel.limits is not None:
        style = common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        drawn.thresholds_style(style)
    return drawn


def _bars(panel: Panel, queries: Queries) -> Any:
    drawn = (
        _series(panel, queries)
        .draw_style(options.GraphDrawStyle.BARS)
        .fill_opacity(80)
        .line_width(0)
        .stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    )
    return drawn.interval(LEAST_BAR) if any(one.unit == COUNT for one in queries.values()) else drawn


def _series(panel: Panel, queries: Queries) -> Any:
    drawn = (
        timeseries.Panel()
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(options.LegendDisplayMode.LIST)
            .placement(options.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(options.TooltipDisplayMode.MULTI)
            .sort(options.SortOrder.DESCENDING)
        )
        .axis_soft_min(0)
    )
    for name, one in queries.items():
        for series, properties in looks.colours(name, one.labels):
            drawn.override_by_name(series, properties)
    return drawn


def _states(panel: Panel, queries: Queries) -> Any:
    return (
        statetimeline.Panel()
        .merge_values(True)
        .show_value(options.VisibilityMode.NEVER)
        .row_height(0.85)
        .line_width(0)
        .fill_opacity(80)
        .legend(common.VizLegendOptions().show_legend(False).placement(options.LegendPlacement.BOTTOM))
    )


def _table(panel: Panel, queries: Queries) -> Any:
    """Its queries side by side: a row for each set of labels, a column for each name."""
    labels = dict.fromkeys(label for one in queries.values() for label in one.labels)
    renamed = {label: label.removesuffix("_name").rpartition("_")[2] for label in labels}
    for letter, name in zip(ascii_uppercase, queries, strict=False):
        renamed[f"Value #{letter}"] = name
    if len(queries) == 1:
        renamed["Value"] = next(iter(queries))
    first = next(iter(queries))
    drawn = (
        table.Panel()
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            DataTransformerConfig(
                id_val="organize", options={"excludeByName": {"Time": True}, "renameByName": renamed}
            )
        )
        .sort_by([common.TableSortByFieldState().display_name(first).desc(True)])
        .filterable(False)
    )
    for name, one in queries.items():
        drawn.override_by_name(name, looks.column(one.unit, one.decimals))
    return drawn


def _logs(panel: Panel, queries: Queries) -> Any:
    return (
        logs.Panel()
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(options.LogsSortOrder.DESCENDING)
        .dedup_strategy(options.LogsDedupStrategy.NONE)
    )


def _traces(panel: Panel, queries: Queries) -> Any:
    slowest = common.TableSortByFieldState().display_name("Duration").desc(True)
    return table.Panel().sort_by([slowest])


def _alerts(panel: Panel, queries: Queries) -> Any:
    settings = {"alertmanager": ALERTMANAGER, "expandAll": False, "labels": ""}
    return dashboard.Panel().type("alertGroups").options(settings)


_DRAWN: Final = {
    "stat": _stat, "lines": _lines, "bars": _bars, "states": _states, "table": _table, "logs": _logs,
    "traces": _traces, "alerts": _alerts,
}  # fmt: skip


def _target(asked: Query, name: str, letter: str, kind: Kind) -> Any:
    legend = " ".join(filter(None, [name, *(f"{{{{{label}}}}}" for label in asked.labels)])) or "value"
    if asked.source == "tempo":
        return (
            tempo.TempoQuery()
            .query_type("traceql")
            .query(asked.text)
            .limit(asked.most)
            .table_type(SearchTableType.TRACES)
            .ref_id(letter)
            .datasource(source("tempo"))
        )
    if asked.source == "loki":
        drawn = loki.Dataquery().expr(asked.text).ref_id(letter).datasource(source("loki"))
        drawn.query_type("instant" if asked.instant else "range")
        return drawn.max_lines(asked.most) if asked.most else drawn.legend_format(legend)
    target = (
        prometheus.Dataquery()
        .expr(asked.text)
        .legend_format(legend)
        .exemplar(asked.exemplars)
        .ref_id(letter)
        .datasource(source("prometheus"))
    )
    target.format(PromQueryFormat.TABLE if kind == "table" else PromQueryFormat.TIME_SERIES)
    return target.instant() if asked.instant else target.range()
