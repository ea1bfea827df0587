"""The report API: who may, what is answered, and that it answers as it says it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.watcher.insight.conftest import NOW, Bot, bot

from whisperwatch.watcher.answers.charts.chart import Chart, Line, Panel, unpacked
from whisperwatch.watcher.answers.terminal import Shown
from whisperwatch.watcher.insight.reports import REPORTS
from whisperwatch.watcher.query.answers import (
    LogAnswer,
    LogRecord,
    SpanRecord,
    Trace,
    TraceList,
    Traces,
    TraceSummary,
)
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.web import api as api_module
from whisperwatch.watcher.web.api import Api
from whisperwatch.watcher.web.no_api import NO_API
from whisperwatch.watcher.web.rate import Rate

__all__ = ["bot"]

TOKEN = "a-token-of-sixteen"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
Client = Callable[..., TestClient]


class Records:
    """A store that has one record and one trace, or is down."""

    name = "records"

    def __init__(self, down: bool = False) -> None:
        self.down = down

    async def logs(self, *_: Any) -> LogAnswer:
        if self.down:
            raise EngineError("records is down")
        attributes = {"bot.error.category": "AI", "n": 1.5}
        return LogAnswer(
            (
                LogRecord(
                    1_700_000_000_000_000_000, 17, "ERROR", "llm", "bot", "away", TRACE, attributes=attributes
                ),
            )
        )

    async def count(self, *_: Any) -> Any:
        raise NotImplementedError

    async def search(self, *_: Any) -> TraceList:
        return TraceList((TraceSummary(TRACE, "message", 1_700_000_000_000_000_000, 1.5, False, 3),))

    async def trace(self, trace_id: str) -> Trace:
        if trace_id != TRACE:
            return Trace(())
        return Trace((SpanRecord(TRACE, "0" * 15 + "1", "", "message", "consumer", 1, 2_000_000_000),))

    async def traces(self, trace_ids: Sequence[str]) -> Traces:
        found = [await self.trace(trace_id) for trace_id in trace_ids]
        return Traces(tuple(one for one in found if one.spans))


CHART = Chart("Performance", 0.0, 60.0, (Panel("P95", "s", (Line("P95", ((30.0, 0.2), (45.0, None))),)),))


async def show(name: str, arguments: Mapping[str, Any]) -> Shown:
    chart = CHART if name == "performance-history" else None
    return Shown(f"{name} {arguments['over_s']:g} {arguments['of']}", "healthy", chart)


@pytest.fixture
def client(bot: Bot) -> Client:
    bot.measure("discord.message.response.duration", 0.1, 0.2)
    bot.count("discord.messages.handled", 2)
    bot.at(3000)
    bot.measure("discord.message.response.duration", 0.4)
    bot.count("discord.messages.handled", 1)
    bot.at(30)

    def make(token: str = TOKEN, down: bool = False) -> TestClient:
        records = Records(down)
        asking = Asking(replace(bot.asking._engines, logs=records, traces=records), now=lambda: NOW)
        return TestClient(Starlette(routes=Api(asking, token, show).routes()))

    return make


@pytest.mark.parametrize("path", ["reports/performance", "openapi.json", "nothing"])
def test_without_a_token_set_it_is_off(path: str) -> None:
    answer = TestClient(Starlette(routes=[NO_API])).get(f"/api/v1/{path}", headers=HEADERS)
    assert (answer.status_code, answer.json()) == (
        403,
        {"error": "The report API is off: set WHISPERWATCH_API_TOKEN."},
    )


@pytest.mark.parametrize("shown", ["", "Bearer wrong", "Basic abc", f"bearer{TOKEN}", f"Bearer {TOKEN}x"])
def test_a_wrong_token(client: Client, shown: str) -> None:
    answer = client().get("/api/v1/reports", headers={"authorization": shown})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_who_guesses_has_to_wait_and_who_knows_it_from_elsewhere_not(client: Client) -> None:
    one = client()
    tried = [one.get("/api/v1/reports", headers={"authorization": "Bearer x"}) for _ in range(12)]
    assert [answer.status_code for answer in tried] == [401] * 10 + [429] * 2
    assert int(tried[-1].headers["retry-after"]) in range(1, 7)
    elsewhere = TestClient(one.app, client=("10.0.0.2", 1))
    assert elsewhere.get("/api/v1/reports", headers=HEADERS).status_code == 200


def test_too_many_requests(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "Rate", partial(Rate, now=lambda: 0.0))  # a busy machine earns no tokens
    one = client()
    answers = [
        one.get("/api/v1/reports", headers=HEADERS).status_code for _ in range(api_module.PER_MINUTE + 2)
    ]
    assert answers[: api_module.PER_MINUTE] == [200] * api_module.PER_MINUTE
    assert answers[api_module.PER_MINUTE :] == [429] * 2


def test_a_report(client: Client) -> None:
    told = client().get("/api/v1/reports/performance", params={"period": "1h"}, headers=HEADERS).json()
    assert told["handled"]["value"] == 3.0
    assert told["handled"]["unit"] == "{message}"
    assert told["error_rate"] == {"value": 0.0, "unit": "1", "before": None, "change": None}
    assert told["basis"]["end"] - told["basis"]["start"] == told["basis"]["over_s"] == 3600.0
    assert told["basis"]["store"] == "embedded"


def test_what_is_not_known_is_null_and_not_0(client: Client) -> None:
    told = client().get("/api/v1/reports/cache", headers=HEADERS).json()
    assert (told["lookups"]["value"], told["caches"]) == (None, [])


def test_as_a_terminal_shows_it(client: Client) -> None:
    def told(name: str) -> Any:
        return client().get(f"/api/v1/reports/{name}/page", params={"period": "30m"}, headers=HEADERS).json()

    page = told("performance-history")
    assert (page["text"], page["status"]) == ("performance-history 1800 ", "healthy")
    assert unpacked(json.dumps(page["chart"]).encode()) == CHART
    assert told("cache") == {"text": "cache 1800 ", "status": "healthy", "chart": None}
    assert "did you mean cache?" in told("cach")["error"]


def test_as_text(client: Client) -> None:
    params = {"of": "llm", "period": "30m", "form": "text"}
    answer = client().get("/api/v1/reports/performance-component", params=params, headers=HEADERS)
    assert (answer.text, answer.headers["content-type"]) == (
        "performance-component 1800 llm\n",
        "text/plain; charset=utf-8",
    )


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("reports/performanze", 404, "There is no report performanze: did you mean performance?"),
        ("reports/performance?perod=1h", 400, "there is no parameter 'perod': did you mean period?"),
        (
            "reports/performance?period=soon",
            400,
            "period='soon' is no duration such as 30m, 6h or 7d, from 60 s on",
        ),
        ("reports/performance?period=1h&period=2h", 400, "period is given twice"),
        ("reports/performance?of=llm", 400, "it takes no of"),
        ("reports/performance-component", 400, "of should be one of llm, database"),
        ("reports/performance?form=xml", 400, "form should be one of json, text"),
        ("logs?level=loud", 400, "level should be one of debug, info"),
        ("logs?lines=0", 400, "lines='0' is no number from 1 to 10000"),
        ("logs?trace_id=1", 400, "'1' is no trace id"),
        ("traces/xyz", 400, "'xyz' is no trace id"),
        (f"traces/{TRACE[:-1]}0", 404, "There is no such trace"),
    ],
)
def test_what_is_wrong_is_named(client: Client, path: str, status: int, said: str) -> None:
    answer = client().get(f"/api/v1/{path}", headers=HEADERS)
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_records(client: Client) -> None:
    one = client()
    (record,) = one.get("/api/v1/logs?level=error&search=away", headers=HEADERS).json()["records"]
    (found,) = one.get("/api/v1/traces?order=slowest", headers=HEADERS).json()["traces"]
    (span,) = one.get(f"/api/v1/traces/{found['trace_id']}", headers=HEADERS).json()["spans"]
    assert (record["body"], record["attributes"]) == ("away", {"bot.error.category": "AI", "n": 1.5})
    assert (found["root"], span["name"]) == ("message", "message")


def test_a_store_that_is_down(client: Client) -> None:
    answer = client(down=True).get("/api/v1/logs", headers=HEADERS)
    assert (answer.status_code, answer.json()["missing"]) == (503, ["records is down"])


def test_it_answers_as_it_says(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import schemathesis  # which takes a second, in each of the workers that collect this
    from schemathesis.specs.openapi.checks import ignored_auth

    monkeypatch.setattr(Rate, "wait_s", lambda self, who, cost=1: 0.0)
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", client().app, headers=HEADERS)
    asked, tried = 0, set()
    for found in described.get_all_operations():

        @given(case=found.ok().as_strategy())
        @settings(
            max_examples=25,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def fuzz(case: schemathesis.Case) -> None:
            # who may is decided before what is asked is looked at: to try that with each case took half the time
            known = [ignored_auth] if case.operation.label in tried else []
            case.call_and_validate(headers=HEADERS, excluded_checks=known)
            tried.add(case.operation.label)

        fuzz()
        asked += 1
    assert asked == len(tried) == 2 * len(REPORTS) + 4, "all but the description itself"


def test_every_report_is_described(client: Client) -> None:
    paths = client().get("/api/v1/openapi.json", headers=HEADERS).json()["paths"]
    assert {f"/api/v1/reports/{name}" for name in REPORTS} < set(paths)
