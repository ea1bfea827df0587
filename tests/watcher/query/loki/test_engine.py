"""What the engine makes of Loki's answers, of good ones and of others; the real Loki is asked in tests/contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Grid, LogFilter
from whisperwatch.watcher.query.loki.engine import Loki


def streams(*found: Any) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": list(found)}})


async def test_a_record_reads_as_from_the_embedded_store(store: Any, client: Any) -> None:
    labels = {
        "service_name": "bot", "service_instance_id": "one", "scope_name": "openai", "bot_component": "llm",
        "severity_number": "17", "severity_text": "ERROR", "detected_level": "error", "trace_id": "ab", "span_id": "cd",
        "observed_timestamp": "5", "event_name": "bot.error", "flags": "1", "exception_type": "TimeoutError",
        "exception_message": "slow", "code_line_number": "7", "their_own": "x",
    }  # fmt: skip
    store.says(
        streams({"stream": labels, "values": [["1700000000000000001", "it failed\x1fTimeoutError: slow"]]})
    )
    answer = await Loki(client(store.url, "loki"), "bot").logs(LogFilter(text="fail"), 1.0, 2.0, 50, None)
    (record,) = answer.records
    assert (record.at, record.severity, record.level) == (1_700_000_000_000_000_001, 17, "ERROR")
    assert (record.body, record.component, record.logger) == ("it failed", "llm", "openai")
    assert (record.trace_id, record.span_id, record.instance, record.event) == (
        "ab",
        "cd",
        "one",
        "bot.error",
    )
    assert record.attributes == {
        "exception.type": "TimeoutError", "exception.message": "slow", "code.line.number": "7", "their_own": "x",
    }  # fmt: skip
    assert not answer.more


async def test_the_range_is_open_at_its_start_and_closed_at_its_end(store: Any, client: Any) -> None:
    store.says(streams())
    engine = Loki(client(store.url, "loki"), "bot")
    await engine.logs(LogFilter(), 1.0, 2.0, 50, None)
    await engine.logs(LogFilter(), 1.0, 2.0, 50, 1_500_000_000)
    first, second = (form for *_, form in store.requests)
    assert (first["start"], first["end"], first["limit"]) == ("1000000001", "2000000001", "51")
    assert second["end"] == "1500000000"
    assert (
        await engine.logs(LogFilter(), 1.0, 2.0, 50, 1_000_000_001)
    ).records == ()  # nothing is left: not asked
    assert len(store.requests) == 2


async def test_streams_are_merged_by_time(store: Any, client: Any) -> None:
    one = {"stream": {"scope_name": "a"}, "values": [["5", "five"], ["1", "one"]]}
    other = {"stream": {"scope_name": "b"}, "values": [["4", "four"]]}
    store.says(streams(one, other))
    answer = await Loki(client(store.url, "loki")).logs(LogFilter(), 0.0, 1.0, 2, None)
    assert [record.body for record in answer.records] == ["five", "four"]
    assert answer.more


async def test_levels_are_names_and_what_comes_before_the_grid_is_dropped(store: Any, client: Any) -> None:
    result = [
        {"metric": {"severity_number": "9"}, "values": [[600, "5"], [900, "2"]]},
        {"metric": {"severity_number": "10"}, "values": [[900, "1"]]},
        {"metric": {"severity_number": "21"}, "values": [[900, "4"]]},
    ]
    store.says(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}))
    found = await Loki(client(store.url, "loki")).count(LogFilter(), ("level",), Grid(900, 1200, 300, 300))
    assert {one.group["level"]: one.points for one in found} == {
        "info": ((900, 3.0),),
        "critical": ((900, 4.0),),
    }


@pytest.mark.parametrize(
    ("body", "status", "kind", "wrong"),
    [
        ("[]", 200, "application/json", "other JSON than its API"),
        (
            '{"status": "success", "data": {"resultType": "vector", "result": []}}',
            200,
            "application/json",
            "says: success",
        ),
        ("<html>", 200, "text/html", "no JSON: is it a Loki?"),
        ("parse error", 400, "text/plain", "answered 400: it doesn't understand the question: parse error"),
        ("", 401, "text/plain", "LOKI_USERNAME"),
    ],
)
async def test_rubbish_is_named(
    store: Any, client: Any, body: str, status: int, kind: str, wrong: str
) -> None:
    store.says(body, status, kind)
    with pytest.raises(EngineError) as raised:
        await Loki(client(store.url, "loki")).logs(LogFilter(), 0.0, 1.0, 2, None)
    assert wrong in str(raised.value)
    assert "Loki" in str(raised.value)
