"""Log records and traces as an admin reads them; what is typed is looked for, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest

from whisperwatch.watcher.answers import Answers, embeds
from whisperwatch.watcher.query.answers import LogAnswer, LogRecord, SpanRecord, Trace, TraceList
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language.logs import LogFilter

NOW = 1_700_000_000.0
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def record(body: str, level: str = "INFO", **more: Any) -> LogRecord:
    return LogRecord(int(NOW * 1e9), 9, level, "llm", "bot.llm", body, **more)


class Kept:
    """Has what it is given, and remembers what was asked."""

    name = "loki"

    def __init__(
        self, records: tuple[LogRecord, ...] = (), spans: tuple[SpanRecord, ...] = (), down: bool = False
    ) -> None:
        self.records, self.spans, self.down = records, spans, down
        self.asked: list[tuple[LogFilter, float, int]] = []

    async def logs(
        self, filter: LogFilter, start: float, end: float, most: int, before: int | None
    ) -> LogAnswer:
        self.asked.append((filter, end - start, most))
        if self.down:
            raise EngineError("Loki is down")
        return LogAnswer(self.records[:most], len(self.records) > most)

    async def count(self, *_: Any) -> Any:
        raise EngineError("nobody asks")

    async def search(self, *_: Any) -> TraceList:
        raise EngineError("nobody asks")

    async def trace(self, trace_id: str) -> Trace:
        if self.down:
            raise EngineError("Tempo is down")
        return Trace(self.spans if trace_id == TRACE else ())


async def _off() -> dict[str, Any]:
    return {"off": "it is off"}


async def answer(kept: Kept, question: str, **arguments: Any) -> dict[str, Any]:
    asking = Asking(Engines(None, kept, kept), now=lambda: NOW)
    return await Answers(_off, asking=asking).answer(question, arguments)


async def test_the_newest_records() -> None:
    failed = record(
        "call failed\nbadly", "ERROR", trace_id=TRACE, attributes={"exception.type": "asyncio.TimeoutError"}
    )
    told = await answer(Kept((failed, record("x" * 400))), "logs", lines=1)
    (embed,) = told["embeds"]
    assert embed["title"] == "Logs, last 24 hours"
    assert embed["description"] == (
        f"The newest 1:\n❌ ERROR <t:1700000000:R> llm: call failed badly (TimeoutError)\n`trace {TRACE}`"
    )
    assert embed["fields"][0]["value"] == "There are older ones: ask for more lines, or for less."


async def test_an_exception_that_the_text_names_is_not_named_twice() -> None:
    failed = record("TimeoutError: too late", attributes={"exception.type": "TimeoutError"})
    told = await answer(Kept((failed,)), "logs")
    assert told["embeds"][0]["description"].endswith("llm: TimeoutError: too late")
    assert told["embeds"][0]["description"].startswith("1 record:\n")


@pytest.mark.parametrize(
    ("arguments", "filter"),
    [
        ({}, LogFilter()),
        ({"what": "llm"}, LogFilter(components=("llm",))),
        (
            {"what": "component", "text": "llm", "level": "error"},
            LogFilter(level="error", components=("llm",)),
        ),
        ({"what": "search", "text": 'a"} | level >= "x'}, LogFilter(text='a"} | level >= "x')),
    ],
)
async def test_what_is_asked_of_the_store(arguments: dict[str, Any], filter: LogFilter) -> None:
    kept = Kept()
    told = await answer(kept, "logs", since="1h", **arguments)
    assert kept.asked == [(filter, 3600, 20)]
    assert told["embeds"][0]["description"] == "Nothing that fits was logged in this time."


@pytest.mark.parametrize(
    ("question", "arguments", "error"),
    [
        ("logs", {"what": "lm"}, "there is no component 'lm'"),
        ("logs", {"what": "component"}, "there is no component ''"),
        ("logs", {"what": "search"}, "logs search needs a text of 1 to 1000 characters"),
        ("logs", {"what": "search", "text": "x" * 4000}, "logs search needs a text of 1 to 1000 characters"),
        ("logs", {"level": "loud"}, "'loud' is no level: there are debug, info"),
        ("logs", {"lines": 0}, "logs takes from 1 to 100 lines"),
        ("logs", {"since": "soon"}, "'soon' is no period"),
        ("trace", {"id": "no id"}, "trace takes an id of 32 hexadecimal digits"),
    ],
)
async def test_what_makes_no_sense_is_refused(question: str, arguments: dict[str, Any], error: str) -> None:
    told = await answer(Kept(), question, **arguments)
    assert told["error"]
    assert told["error"].startswith(error)


async def test_a_text_pings_nobody_and_is_no_markdown() -> None:
    told = await answer(Kept((record("@everyone **bold** <@123> ```"),)), "logs")
    shown = told["embeds"][0]["description"]
    assert "@everyone" not in shown
    assert "\\*\\*bold\\*\\*" in shown
    assert embeds.length(shown) <= embeds.DESCRIPTION


async def test_many_long_records_keep_to_the_limits() -> None:
    told = await answer(Kept(tuple(record("ä" * 400) for _ in range(200))), "logs", lines=100)
    (embed,) = told["embeds"]
    assert embeds.length(embed["description"]) <= embeds.DESCRIPTION
    assert sum(embeds.length(str(part)) for part in (embed["title"], embed["description"])) <= embeds.ALL


async def test_a_trace() -> None:
    def span(name: str, number: int, parent: int, ms: int, **more: Any) -> SpanRecord:
        start = int(NOW * 1e9)
        return SpanRecord(
            TRACE,
            f"{number:016x}",
            f"{parent:016x}" if parent else "",
            name,
            "internal",
            start,
            start + ms * 10**6,
            **more,
        )

    spans = (
        span("message", 1, 0, 900),
        span("command ask", 2, 1, 800),
        span("chat small", 3, 2, 700, status="error", attributes={"error.type": "TimeoutError"}),
        span("reply", 4, 1, 50),
    )
    told = await answer(Kept(spans=spans), "trace", id=TRACE.upper())
    assert told["embeds"][0]["title"] == f"Trace {TRACE}"
    assert told["embeds"][0]["description"].splitlines() == [
        "900 ms, 4 spans, <t:1700000000:R>",
        "message 900 ms",
        "· command ask 800 ms",
        "· · chat small 700 ms failed (TimeoutError)",
        "· reply 50 ms",
    ]
    nothing = await answer(Kept(), "trace", id="f" * 32)
    assert nothing["embeds"][0]["description"] == "There is no such trace, or it is not kept any more."


async def test_a_store_that_is_down() -> None:
    for question, arguments in (("logs", {}), ("trace", {"id": TRACE})):
        told = await answer(Kept(down=True), question, **arguments)
        assert told["embeds"][0]["fields"][0]["name"] == "Not all is known"
        assert "is down" in told["text"]
        assert "description" not in told["embeds"][0]
