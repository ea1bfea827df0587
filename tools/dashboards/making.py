"""A board as the JSON of a dashboard: its panels, and what all dashboards have."""

from __future__ import annotations

import json
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as grafana

from tools.dashboards.drawing import draw
from tools.dashboards.panels import Board
from tools.dashboards.sources import source
from whisperwatch.semconv import COMPONENTS

TAG: Final = "whisperwatch"
_MADE: Final = (
    "Made by `make docs` from tools/dashboards of Whisperwatch: a change here is lost with the next release. "
    "docs/dashboard-customization.md tells how to keep one."
)
_ALL: Final = grafana.VariableOption(selected=True, text="All", value="$__all")
_SERVICES: Final = "whisperwatch_recorded_total"
"""What every watched bot has, whatever is set."""
_RELEASED: Final = 'group by (job, service_version) (target_info{job=~"$service", service_version!=""})'
_BEFORE: Final = (
    "group by (job, service_version) "
    '(last_over_time(target_info{job=~"$service", service_version!=""}[1h] offset 2m))'
)
RELEASES: Final = f"{_RELEASED} unless {_BEFORE}"
"""Releases that are there, and were not in the hour before: for two minutes, from their first sample on."""


def text(board: Board) -> str:
    """The dashboard's file."""
    made: dict[str, Any] = json.loads(json.dumps(_dashboard(board).build(), cls=JSONEncoder))
    # what the SDK has no words for
    made["annotations"]["list"][-1] |= {
        "step": "15s", "titleFormat": "Release", "textFormat": "{{service_version}}", "tagKeys": "job",
    }  # fmt: skip
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _dashboard(board: Board) -> build.Dashboard:
    made = (
        build.Dashboard(f"Whisperwatch: {board.title}")
        .uid(board.uid)
        .description(f"{board.about}\n\n{_MADE}")
        .tags([TAG])
        .timezone("browser")
        .time("now-6h", "now")
        .refresh("30s")
        .editable()
        .tooltip(grafana.DashboardCursorSync.CROSSHAIR)
        .variables(list(_variables(board)))
        .annotations([_grafanas_own(), _releases()])
        .link(
            build.DashboardLink("Other dashboards")
            .type(grafana.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
    )
    for number, (panel, width) in enumerate(board.placed(), 1):
        made.with_panel(draw(panel, board, number, width))
    return made


def _variables(board: Board) -> list[Any]:
    service = _asked("service", "Bot", f"label_values({_SERVICES}, job)")
    if board.fleet:
        service.multi(True).include_all(True).current(_ALL)
    # Loki and Tempo know a service by its name alone, where `job` has its namespace before it
    name = _asked("name", "Name", f'label_values({_SERVICES}{{job=~"$service"}}, job)').regex("/([^\\/]+)$/")
    name.hide(grafana.VariableHide.HIDE_VARIABLE).multi(board.fleet).include_all(board.fleet)
    instance = _all(_asked("instance", "Process", f'label_values({_SERVICES}{{job=~"$service"}}, instance)'))
    found: list[Any] = [service, name, instance]
    if "shard" in board.narrowed:
        shards = 'label_values(discord_shard_up{job=~"$service"}, discord_shard_id)'
        found.append(_all(_asked("shard", "Shard", shards)).sort(grafana.VariableSort.NUMERICAL_ASC))
    if "component" in board.narrowed:
        component = build.CustomVariable("component").label("Component").values(",".join(COMPONENTS))
        found.append(_all(component))
    return found


def _asked(name: str, label: str, text: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(source("prometheus"))
        .query({"qryType": 1, "query": text, "refId": f"variable-{name}"})
        .refresh(grafana.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(grafana.VariableSort.ALPHABETICAL_ASC)
    )


def _all(variable: Any) -> Any:
    """Several may be chosen; all are, unless somebody chooses."""
    return variable.multi(True).include_all(True).all_value(".*").current(_ALL)


def _grafanas_own() -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name("Annotations & Alerts")
        .datasource(grafana.DataSourceRef(type_val="grafana", uid="-- Grafana --"))
        .type("dashboard")
        .built_in(1)
        .enable(True)
        .hide(True)
        .icon_color("rgba(0, 211, 255, 1)")
    )


def _releases() -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name("Releases")
        .datasource(source("prometheus"))
        .enable(True)
        .icon_color("light-blue")
        .expr(RELEASES)
    )
