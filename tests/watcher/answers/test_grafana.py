"""Links from answers into Grafana: to what there is, over the same time, and none that would be cut."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.watcher.answers.test_records import NOW, TRACE, Kept, record
from tests.watcher.insight.conftest import Bot

from whisperwatch.watcher.answers import Answers, embeds, terminal
from whisperwatch.watcher.answers.grafana import BOARDS, OF_COMPONENTS, Grafana, linked
from whisperwatch.watcher.answers.page import Link, Page, Section
from whisperwatch.watcher.insight.performance import COMPONENTS
from whisperwatch.watcher.insight.reports import REPORTS
from whisperwatch.watcher.query.answers import SpanRecord
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.settings import load

DASHBOARDS = Path(__file__).parents[3] / "grafana" / "dashboards"
GRAFANA = Grafana("https://grafana.example/sub", "companion", "bots/companion")


def explored(url: str) -> dict:
    asked = parse_qs(urlsplit(url).query, strict_parsing=True)
    return json.loads(asked["panes"][0])["a"]


def test_every_report_has_a_dashboard_that_exists():
    assert set(BOARDS) == {"health", *REPORTS} - {"performance-component"}
    assert set(OF_COMPONENTS) == set(COMPONENTS)
    assert {*BOARDS.values(), *OF_COMPONENTS.values()} <= {path.stem for path in DASHBOARDS.glob("*.json")}


def test_a_dashboard_over_the_same_time():
    url = urlsplit(GRAFANA.board("performance", over_s=3600, end=NOW).url)
    assert url.path == "/sub/d/whisperwatch-commands"
    assert parse_qs(url.query) == {
        "var-service": ["bots/companion"], "from": ["1699996400000"], "to": ["1700000000000"],
    }  # fmt: skip
    assert GRAFANA.board("performance-component", "discord").url.startswith(
        "https://grafana.example/sub/d/whisperwatch-gateway?"
    )


def test_a_trace_is_asked_of_tempo_and_its_logs_of_loki():
    pane = explored(GRAFANA.trace(TRACE, NOW, NOW + 2).url)
    assert pane["datasource"] == "tempo"
    assert pane["queries"] == [
        {
            "refId": "A",
            "datasource": {"type": "tempo", "uid": "tempo"},
            "queryType": "traceql",
            "query": TRACE,
        }
    ]
    logs = explored(GRAFANA.logs_of(TRACE, NOW, NOW + 2).url)
    assert logs["queries"][0]["expr"] == f'{{service_name="companion"}} | trace_id="{TRACE}"'
    assert logs["range"] == {"from": "1699999700000", "to": "1700000302000"}


def test_what_was_typed_stays_a_value():
    text = '") [x](https://evil.example) <@1> é'
    link = GRAFANA.logs(LogFilter(text=text), NOW - 60, NOW)
    assert not set(link.url) & set('<>()[]" ')
    assert "https://evil.example" in json.dumps(explored(link.url)).replace("\\\\", "")


def test_a_link_that_would_be_cut_is_left_out():
    page = Page("Logs")
    assert linked(page, GRAFANA.logs(LogFilter(text="long " * 300), NOW - 60, NOW)) == page


def test_it_is_a_link_in_discord_and_an_address_in_a_terminal():
    page = linked(Page("P"), Link("Dash_board", "https://grafana.example/d/x?a=1"))
    (embed,) = embeds.embeds(page)
    assert embed["fields"] == [
        {"name": "In Grafana", "value": r"[Dash\_board](https://grafana.example/d/x?a=1)", "inline": False}
    ]
    assert embed["url"] == "https://grafana.example/d/x?a=1"
    assert "Dash_board: https://grafana.example/d/x?a=1" in terminal.text(page)


def test_the_title_leads_there_on_every_leaf():
    page = linked(
        Page("P", ("line " * 50,) * 40, (Section("S", ("word",)),)), Link("Logs", "https://grafana.example/x")
    )
    leaves = embeds.embeds(page)
    assert len(leaves) > 1
    assert {leaf["url"] for leaf in leaves} == {"https://grafana.example/x"}


async def test_answers_link_where_grafana_is_set():
    span = SpanRecord(TRACE, "1" * 16, "", "message", "consumer", int(NOW * 1e9), int(NOW * 1e9) + 10**9)
    kept = Kept((record("one"),), (span,))
    asking = Asking(Engines(None, kept, kept), now=lambda: NOW)
    grafana: list[Grafana | None] = [GRAFANA]
    answers = Answers(_health, asking=asking, linking=lambda: grafana[0])
    for question, arguments, links in (
        ("trace", {"id": TRACE}, 2), ("logs", {}, 1), ("health", {}, 1), ("trace", {"id": "0" * 32}, 0),
    ):  # fmt: skip
        told = await answers.answer(question, arguments)
        assert told["text"].count("https://grafana.example/sub/") == links, question
    grafana[0] = None
    assert "grafana" not in (await answers.answer("trace", {"id": TRACE}))["text"]


async def test_a_report_links_to_its_dashboard(tmp_path: Path):
    with closing(Bot(tmp_path / "store.db")) as bot:
        told = await Answers(_health, asking=bot.asking, linking=lambda: GRAFANA).answer(
            "performance", {"view": "component", "name": "llm", "period": "30m"}
        )
    url = urlsplit(told["embeds"][0]["url"])
    assert url.path == "/sub/d/whisperwatch-llm"
    asked = parse_qs(url.query)
    assert int(asked["to"][0]) - int(asked["from"][0]) == 30 * 60_000


def test_the_setting():
    assert (
        load({"GRAFANA_URL": "https://grafana.example/sub/"}, strict=True).grafana
        == "https://grafana.example/sub"
    )
    assert load({}, strict=True).grafana is None
    (problem,) = load({"GRAFANA_URL": "grafana:3000"}).problems
    assert "http or https" in str(problem)


async def _health() -> dict:
    return {"status": "healthy", "at": "2026-11-24T12:00:00+00:00", "checks": [], "components": []}
