"""Bottlenecks of a bot of whose messages every moment is known."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from whisperwatch.watcher.insight import sampled
from whisperwatch.watcher.insight.bottlenecks import bottlenecks
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.reports import DAY_S
from whisperwatch.watcher.insight.span_components import works_of
from whisperwatch.watcher.query.answers import SpanLink, SpanRecord, TraceList, Traces
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import QuestionError
from whisperwatch.watcher.query.resolving import Kept

from .conftest import HOUR, NOW, Bot

MODEL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}
SQL = {"db.system.name": "postgresql", "db.operation.name": "SELECT"}


def message(bot: Bot, number: int, ago_s: float, llm_s: float = 1.2, **more: Any) -> None:
    """One of 2 s, more where the model takes more: first the database for 0.4 s, then the model, the rest the bot's."""
    bot.trace(
        number, ago_s, ("SELECT memories", 0.1, 0.5, SQL), ("chat small", 0.5, 0.5 + llm_s, MODEL),
        took_s=0.8 + llm_s, **more,
    )  # fmt: skip


async def test_of_traces(bot: Bot) -> None:
    for number in range(20):
        message(bot, 100 + number, 60 + number * 170.0, root="message" if number % 4 else "interaction")
        message(bot, 200 + number, HOUR + 60 + number * 170.0, llm_s=0.4)
    message(bot, 300, 100.0, llm_s=1.2, root="task digest")
    report = await bottlenecks(bot.asking, HOUR)
    assert (report.source, report.messages) == ("traces", Figure(20, "{message}", 20))
    assert report.per_message.value == pytest.approx(2.0)
    assert report.per_message.before == pytest.approx(1.2)
    assert {one.name: one.share.value for one in report.components} == pytest.approx(
        {"llm": 0.6, "database": 0.2, "bot": 0.2}
    )
    assert {one.name: one.per_message.before for one in report.components} == pytest.approx(
        {"llm": 0.4, "database": 0.4, "bot": 0.4}
    )
    assert {one.name: one.component for one in report.operations} == {
        "chat small": "llm", "SELECT memories": "database", "message": "bot", "interaction": "bot",
    }  # fmt: skip
    assert ([one.name for one in report.grown], report.grown_source) == (["llm"], "traces")
    assert (report.basis.store, report.basis.missing, report.basis.notes) == ("embedded", (), ())


async def test_what_is_new_grew_from_nothing(bot: Bot) -> None:
    for number in range(10):
        message(bot, 100 + number, 60 + number * 300.0)
        bot.trace(200 + number, HOUR + 60 + number * 300.0, ("SELECT memories", 0.1, 0.5, SQL), took_s=0.8)
    (llm,) = (await bottlenecks(bot.asking, HOUR)).grown
    assert (llm.name, llm.per_message.before) == ("llm", 0.0)


async def test_the_sample_is_spread_and_the_slowest_stand_beside_it(bot: Bot) -> None:
    for number in range(100):  # of the last minutes
        message(bot, 1000 + number, 10.0 + number, llm_s=0.2)
    for number in range(3):  # of the hour's other pieces
        message(bot, 1 + number, 1000 + 900.0 * number, llm_s=3.0 + number)
    report = await bottlenecks(bot.asking, HOUR)
    assert report.messages == Figure(40, "{message}", None)
    (llm,) = (one for one in report.components if one.name == "llm")
    assert llm.per_message.value == pytest.approx((3 + 4 + 5 + 37 * 0.2) / 40)
    assert [(int(one.trace_id, 16), one.component) for one in report.slowest[:3]] == [
        (3, "llm"), (2, "llm"), (1, "llm"),
    ]  # fmt: skip
    assert len(report.slowest) == 5
    assert report.slowest[0].seconds == pytest.approx(5.8)
    assert report.slowest[0].share == pytest.approx(5 / 5.8)


async def test_who_waits_for_people_is_no_bottleneck(bot: Bot) -> None:
    link = ["ab" * 16, "cd" * 8, {"discord.link.cause": "wait_for"}]
    bot.trace(1, 60.0, ("chat small", 10.0, 11.0, MODEL), took_s=60.0, links=[link])
    report = await bottlenecks(bot.asking, HOUR)
    assert [(one.name, one.share.value) for one in report.components] == [("llm", 1.0)]
    assert [one.seconds for one in report.slowest] == [1.0]


async def test_of_older_days_only_what_is_kept_whole_is_looked_into(bot: Bot) -> None:
    for number in range(12):
        message(bot, 100 + number, 600.0)
        message(bot, 200 + number, DAY_S + 600)
    report = await bottlenecks(bot.asking, 7 * DAY_S)
    assert report.messages == Figure(12, "{message}", None)
    (note,) = report.basis.notes
    assert note.startswith("of traces older than 1d only the slow and the failed are kept")
    kept = Asking(bot.asking._engines, lambda: Kept(every_trace_s=14 * DAY_S), now=lambda: NOW)
    report = await bottlenecks(kept, 7 * DAY_S)
    assert report.basis.notes == ()


def measured(bot: Bot, llm_s: float = 1.2) -> None:
    """Ten messages of 2 s: once the model, four times the database, and a host that is the model's."""
    bot.count("discord.messages.handled", 10, {"discord.event.name": "message"})
    bot.measure("discord.event.duration", *[0.8 + llm_s] * 10, attributes={"discord.event.name": "message"})
    bot.measure("discord.event.duration", 500.0, attributes={"discord.event.name": "ready"})
    llm = {**MODEL, "server.address": "api.openai.com"}
    bot.measure("gen_ai.client.operation.duration", *[llm_s] * 10, attributes=llm)
    bot.measure("db.client.operation.duration", *[0.1] * 40, attributes=SQL)
    bot.measure(
        "http.client.request.duration", *[llm_s] * 10, attributes={"server.address": "api.openai.com"}
    )
    bot.measure("discord.task.duration", 300.0, attributes={"discord.task.name": "digest"})


async def test_of_metrics_where_there_are_no_traces(bot: Bot) -> None:
    measured(bot, 0.4)
    bot.at(HOUR + 600)
    measured(bot)
    bot.at(600)
    report = await bottlenecks(bot.asking, HOUR)
    assert (report.source, report.messages) == ("metrics", Figure(10, "{message}", 10))
    assert report.per_message == Figure(pytest.approx(2.0), "s", pytest.approx(1.2))
    assert [(one.name, one.share.value, one.per_message.value) for one in report.components] == [
        ("llm", pytest.approx(0.6), pytest.approx(1.2)),
        ("database", pytest.approx(0.2), pytest.approx(0.4)),
        ("bot", pytest.approx(0.2), pytest.approx(0.4)),
    ]
    assert [one.name for one in report.operations] == ["small", "SELECT", "its own code"]
    assert ([one.name for one in report.grown], report.grown_source) == (["llm"], "metrics")
    assert report.slowest == ()


async def test_few_traces_are_compared_by_metrics(bot: Bot) -> None:
    for number in range(9):
        message(bot, 100 + number, 60.0)
        message(bot, 200 + number, HOUR + 60, llm_s=0.1)
    measured(bot, 0.4)
    bot.at(HOUR + 600)
    measured(bot, 0.4)
    bot.at(600)
    report = await bottlenecks(bot.asking, HOUR)
    assert (report.source, report.grown_source, report.grown) == ("traces", "metrics", ())


async def test_nothing_is_known(bot: Bot) -> None:
    report = await bottlenecks(bot.asking, HOUR)
    assert (report.components, report.operations, report.grown, report.slowest, report.advice) == ((),) * 5
    assert (report.messages.value, report.per_message.value) == (None, None)


class Traceless:
    """A store of traces that is down, or hangs."""

    name = "tempo"

    def __init__(self, hangs: bool) -> None:
        self.hangs = hangs

    async def search(self, *_: Any) -> TraceList:
        if self.hangs:
            await asyncio.Event().wait()
        raise EngineError("Tempo is down")

    async def traces(self, *_: Any) -> Traces:
        return Traces(())


@pytest.mark.parametrize(
    ("hangs", "missing"), [(False, "Tempo is down"), (True, "the traces took longer than 0.1 s")]
)
async def test_where_the_traces_store_is_down(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, hangs: bool, missing: str
) -> None:
    monkeypatch.setattr(sampled, "_WITHIN_S", 0.1 if hangs else 30)
    measured(bot)
    bot.at(600)
    engines = Engines(bot.asking._engines.metrics, traces=Traceless(hangs))
    report = await bottlenecks(Asking(engines, now=lambda: NOW), HOUR)
    assert (report.source, report.basis.store) == ("metrics", "tempo and embedded")
    assert report.basis.missing == (missing,)


async def test_where_nobody_keeps_traces_or_metrics(bot: Bot) -> None:
    measured(bot)
    bot.at(600)
    engines = Engines(bot.asking._engines.metrics)
    assert (await bottlenecks(Asking(engines, now=lambda: NOW), HOUR)).source == "metrics"
    with pytest.raises(QuestionError, match="nobody keeps metrics here"):
        await bottlenecks(Asking(Engines()), HOUR)


@pytest.mark.parametrize(
    ("name", "attributes", "component", "operation"),
    [
        ("chat small", MODEL, "llm", "chat small"),
        ("query memories", {"db.system.name": "chroma"}, "memory", "query memories"),
        ("GET", {"db.system.name": "redis"}, "cache", "GET"),
        ("SELECT memories", SQL, "database", "SELECT memories"),
        ("POST /channels/{channel_id}/messages", {"url.template": "/x", "http.request.method": "POST"}, "discord",
         "POST /channels/{channel_id}/messages"),
        ("voice connect", {"outcome": "ok"}, "discord", "voice connect"),
        ("GET", {"http.request.method": "GET", "server.address": "api.weather.example"}, "network",
         "GET api.weather.example"),
        ("enqueue digest", {"messaging.system": "arq"}, "tasks", "enqueue digest"),
        ("operation memory.retrieve", {"bot.operation.name": "memory.retrieve"}, "memory", "operation memory.retrieve"),
        ("operation think", {"bot.operation.name": "think"}, "bot", "operation think"),
        ("command ask", {"discord.command.name": "ask"}, "bot", "command ask"),
    ],
)  # fmt: skip
def test_whose_work_a_span_is(name: str, attributes: Any, component: str, operation: str) -> None:
    span = SpanRecord("t", "a", "", name, "client", 0, 1, attributes=attributes)
    work = works_of([span])["a"]
    assert (work.component, work.operation) == (component, operation)


def test_what_a_library_asks_for_a_call_is_that_calls() -> None:
    call = SpanRecord("t", "a", "", "chat small", "client", 0, 9, attributes=MODEL)
    asked = {"http.request.method": "POST", "server.address": "api.openai.com"}
    below = SpanRecord("t", "b", "a", "POST", "client", 1, 8, attributes=asked)
    listener = SpanRecord("t", "c", "", "listener x", "internal", 0, 9, links=(SpanLink("t", "d"),))
    own = SpanRecord("t", "d", "c", "POST", "client", 1, 8, attributes=asked)
    works = works_of([call, below, listener, own])
    assert works["b"] == works["a"]
    assert (works["c"].component, works["d"].component) == ("bot", "network")
