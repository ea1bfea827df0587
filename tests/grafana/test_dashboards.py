"""What Grafana would stumble over, and what its readers would miss. No Grafana runs here."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from tests.grafana.conftest import FILES, PROJECT, dashboard, every, panels
from tools.dashboards.boards import BOARDS
from tools.dashboards.making import TAG

NAMES = ["prometheus", "loki", "tempo", "alertmanager"]


def test_they_are_fresh():
    done = subprocess.run(
        [sys.executable, "-m", "tools.dashboards", "--check"], cwd=PROJECT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_there_is_a_file_for_each_board():
    assert {path.stem for path in FILES} == {board.name for board in BOARDS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_what_grafanas_schema_knows(path: Path):
    """Read into the SDK's classes and written again, nothing is lost but what the SDK has no words for."""
    ours = dashboard(path)
    theirs = json.loads(json.dumps(Dashboard.from_json(ours), cls=JSONEncoder))
    for key in ("step", "titleFormat", "textFormat", "tagKeys"):
        ours["annotations"]["list"][-1].pop(key)
    assert theirs == ours


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ids_are_unique(path: Path):
    whole = dashboard(path)
    ids = [panel["id"] for panel in whole["panels"]]
    assert len(ids) == len(set(ids))
    assert whole["uid"] == f"whisperwatch-{path.stem}"
    for panel in whole["panels"]:
        letters = [target["refId"] for target in panel.get("targets", ())]
        assert len(letters) == len(set(letters))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_neither_overlap_nor_leave_the_grid(path: Path):
    fields: set[tuple[int, int]] = set()
    for panel in dashboard(path)["panels"]:
        at = panel["gridPos"]
        own = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert not own & fields, panel["title"]
        assert at["x"] + at["w"] <= 24
        fields |= own


def test_every_panel_says_what_good_looks_like():
    assert [panel["title"] for _, panel in panels() if "Good:" not in panel.get("description", "")] == []


def test_every_panel_has_a_unit():
    assert [panel["title"] for _, panel in panels() if not panel["fieldConfig"]["defaults"].get("unit")] == []


def test_every_panel_of_figures_says_where_nothing_is_recorded():
    """Nothing is not 0."""
    figures = ("stat", "timeseries", "state-timeline")
    for _, panel in panels():
        if panel["type"] in figures:
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


def test_data_sources_are_those_that_are_provisioned():
    for path in FILES:
        for source in every(dashboard(path), "datasource"):
            assert source["uid"] in (*NAMES, "-- Grafana --"), path
            assert source["type"] == source["uid"] or source["type"] == "grafana"


def test_few_panels():
    """One look has to do: who needs more asks for it."""
    assert {
        path.stem: len(dashboard(path)["panels"]) for path in FILES if len(dashboard(path)["panels"]) > 18
    } == {}


def test_variables_that_are_used_are_there():
    for path in FILES:
        whole = dashboard(path)
        names = {variable["name"] for variable in whole["templating"]["list"]}
        assert {"service", "instance"} <= names
        for text in [*every(whole, "expr"), *every(whole["panels"], "query")]:
            used = {
                word for word in ("service", "name", "instance", "shard", "component") if f"${word}" in text
            }
            assert used <= names, text


def test_series_are_the_chosen_bots():
    for whole, panel in panels():
        for target in panel.get("targets", ()):
            text = target.get("expr", target.get("query"))
            assert '"$service"' in text or '"$name"' in text, (whole["title"], panel["title"])
            assert '"$instance"' in text, (whole["title"], panel["title"])


def test_one_thing_has_one_colour():
    colours: dict[str, set[str]] = {}
    for _, panel in panels():
        for override in panel["fieldConfig"]["overrides"]:
            for one in override["properties"]:
                if one["id"] == "color":
                    colours.setdefault(override["matcher"]["options"], set()).add(one["value"]["fixedColor"])
    assert {name: found for name, found in colours.items() if len(found) > 1} == {}
    assert colours["failure"] == {"red"}
    assert colours["ok"] == {"green"}


def test_dashboards_link_to_each_other():
    for path in FILES:
        whole = dashboard(path)
        assert whole["tags"] == [TAG]
        assert whole["links"][0]["tags"] == [TAG]


def test_releases_are_marked_everywhere():
    for path in FILES:
        assert "service_version" in dashboard(path)["annotations"]["list"][-1]["expr"]


def test_promql_is_promql():
    for path in FILES:
        for text in every(dashboard(path), "expr"):
            if "service_name" not in text:  # LogQL is Loki's to read
                promql_parser.parse(filled(text))


def test_who_reads_the_file_is_told_where_it_comes_from():
    for path in FILES:
        assert "Made by `make docs` from tools/dashboards" in dashboard(path)["description"]


def filled(text: str) -> str:
    for variable in ("$__rate_interval", "$__range", "$__interval"):
        text = text.replace(variable, "5m")
    return text
