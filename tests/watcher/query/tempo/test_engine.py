"""What the engine makes of Tempo's answers; a real one is asked in tests/stack, where there is one."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from aiohttp import web

from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Period, TraceSearch
from whisperwatch.watcher.query.tempo import engine
from whisperwatch.watcher.query.tempo.engine import Tempo

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def found(trace: str, start_s: int, ms: int, errors: int = 0) -> dict[str, Any]:
    return {
        "traceID": trace, "rootTraceName": "message", "startTimeUnixNano": str(start_s * 10**9), "durationMs": ms,
        "serviceStats": {"bot": {"spanCount": 4, **({"errorCount": errors} if errors else {})}},
    }  # fmt: skip


async def test_a_search(store: Any, client: Any) -> None:
    store.says(json.dumps({"traces": [found("ab", 100, 20), found("cd", 150, 5, 1), found("ef", 300, 7)]}))
    answer = await Tempo(client(store.url, "tempo"), "bot").search(TraceSearch(Period(60), most=1), 50, 200)
    (one,) = answer.traces
    assert (one.trace_id, one.root, one.start) == ("cd".rjust(32, "0"), "message", 150 * 10**9)
    assert (one.duration_s, one.error, one.spans) == (0.005, True, 4)
    assert answer.more  # the one that began after the end is no answer
    (_, path, _, query, _) = store.requests[0]
    assert (path, query["start"], query["end"], query["limit"]) == ("/api/search", "50", "201", "2")


async def test_the_slowest(store: Any, client: Any) -> None:
    store.says(json.dumps({"traces": [found("ab", 100, 20), found("cd", 150, 500)]}))
    answer = await Tempo(client(store.url, "tempo")).search(TraceSearch(Period(60), slowest=True), 50, 200)
    assert [one.duration_s for one in answer.traces] == [0.5, 0.02]
    assert store.requests[0][3]["limit"] == "1000"


@pytest.mark.parametrize(
    "encode", [lambda text: text, lambda text: base64.b64encode(bytes.fromhex(text)).decode()]
)
async def test_a_trace_whole(store: Any, client: Any, encode: Any) -> None:
    """Ids are hex by OTLP's rules and base64 by protobuf's: both are read."""
    span = {
        "traceId": encode(TRACE), "spanId": encode("00f067aa0ba902b7"), "parentSpanId": encode("00f067aa0ba902b6"),
        "name": "command ask", "kind": "SPAN_KIND_CLIENT", "startTimeUnixNano": "20", "endTimeUnixNano": "30",
        "attributes": [
            {"key": "n", "value": {"intValue": "5"}}, {"key": "s", "value": {"stringValue": "x"}},
            {"key": "many", "value": {"arrayValue": {"values": [{"boolValue": True}, {"doubleValue": 0.5}]}}},
        ],
        "status": {"code": "STATUS_CODE_ERROR", "message": "it failed"},
        "events": [{"name": "exception", "timeUnixNano": "25", "attributes": []}],
        "links": [{"traceId": encode(TRACE), "spanId": encode("00f067aa0ba902b7")}],
    }  # fmt: skip
    root = {
        "traceId": encode(TRACE),
        "spanId": encode("00f067aa0ba902b6"),
        "name": "message",
        "startTimeUnixNano": "10",
        "endTimeUnixNano": "40",
    }
    resource = {"attributes": [{"key": "service.instance.id", "value": {"stringValue": "one"}}]}
    store.says(
        json.dumps(
            {"trace": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span, root]}]}]}}
        )
    )
    first, second = (await Tempo(client(store.url, "tempo")).trace(TRACE)).spans
    assert (first.name, first.parent_id, first.kind, first.status) == ("message", "", "internal", "unset")
    assert (second.span_id, second.parent_id, second.kind) == (
        "00f067aa0ba902b7",
        "00f067aa0ba902b6",
        "client",
    )
    assert (second.start, second.end, second.status, second.description) == (20, 30, "error", "it failed")
    assert second.attributes == {"n": 5, "s": "x", "many": [True, 0.5]}
    assert (second.events[0].at, second.links[0].trace_id, second.instance) == (25, TRACE, "one")


async def test_there_is_no_such_trace(store: Any, client: Any) -> None:
    store.says("trace not found", 404, "text/plain")
    assert (await Tempo(client(store.url, "tempo")).trace(TRACE)).spans == ()


@pytest.mark.parametrize("body", ['{"traces": [5]}', '{"traces": [{"traceID": "x"}]}', "[]"])
async def test_rubbish_is_named(store: Any, client: Any, body: str) -> None:
    store.says(body)
    with pytest.raises(EngineError, match="other JSON than its API: is it one"):
        await Tempo(client(store.url, "tempo")).search(TraceSearch(Period(60)), 0, 1)


async def test_several_traces_and_what_did_not_come_in_time(
    store: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_TOGETHER_S", 0.5)
    ids = [f"{number:032x}" for number in range(4)]

    async def answer(request: web.Request) -> web.StreamResponse:
        trace_id = request.path.rpartition("/")[2]
        if trace_id == ids[3]:
            await asyncio.sleep(10)
        if trace_id != ids[0]:
            return web.Response(status=404 if trace_id == ids[1] else 500)
        span = {"spanId": "00f067aa0ba902b7", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
        return web.json_response({"trace": {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}})

    store.answer = answer
    tempo = Tempo(client(store.url, "tempo"))
    found = await tempo.traces(ids)
    assert [one.spans[0].trace_id for one in found.traces] == [ids[0]]
    assert found.notes == ("Tempo gave 2 of 4 traces in 0.5 s",)
    assert (await tempo.traces(ids[:2])).notes == ()
    assert await tempo.traces([]) == engine.Traces(())
    with pytest.raises(EngineError, match="500"):
        await tempo.traces([ids[2]])
