"""Anthropic's SDK against a server that speaks its messages API, whole and by server-sent events."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from whisperwatch import semconv
from whisperwatch.bot.instrument.libraries.registry import registry

HELLO = [{"role": "user", "content": "a secret of mine"}]
ASKED = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-x",
    "server.address": "127.0.0.1", "server.port": "#", "gen_ai.request.max_tokens": 64,
}  # fmt: skip
ANSWERED = {
    "gen_ai.response.model": "claude-x-1", "gen_ai.response.id": "#", "gen_ai.response.finish_reasons": ("tool_use",),
    "gen_ai.usage.input_tokens": 15, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read.input_tokens": 4,
    "bot.llm.tool_calls": 1,
}  # fmt: skip
STREAMED = {**ASKED, "gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": "#"}
TOOL = {"type": "tool_use", "id": "t", "name": "weather", "input": {}}
USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 1,
    "output_tokens": 1,
}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-1", "content": [],
           "stop_reason": None, "stop_sequence": None, "usage": USAGE}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def library():
    """Takes seconds to import: of the workers, who all collect this file, only the one that runs it needs it."""
    global anthropic
    import anthropic


def events():
    yield {"type": "message_start", "message": MESSAGE}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a secret"}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "content_block_start", "index": 1, "content_block": TOOL}
    yield {"type": "content_block_stop", "index": 1}
    yield {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None},
           "usage": {"output_tokens": 9}}  # fmt: skip
    yield {"type": "message_stop"}


async def messages(request):
    body = await request.json()
    if body["model"] == "overloaded":
        error = {"type": "overloaded_error", "message": "a secret"}
        return web.json_response({"type": "error", "error": error}, status=529)
    if not body.get("stream"):
        text = {"type": "text", "text": "a secret"}
        whole = {"content": [text, TOOL], "stop_reason": "tool_use", "usage": {**USAGE, "output_tokens": 9}}
        return web.json_response({**MESSAGE, **whole})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events():
        await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        if body["model"] == "breaks":
            error = {"type": "error", "error": {"type": "overloaded_error", "message": "a secret"}}
            await response.write(f"event: error\ndata: {json.dumps(error)}\n\n".encode())
            break
        if body["model"] == "hangs":
            await asyncio.sleep(30)
    return response


@pytest.fixture
async def options(aiohttp_url):
    url = (await aiohttp_url(messages)).removesuffix("/v1")
    given = {"base_url": url, "api_key": "none", "max_retries": 0}
    return given | ({"open_telemetry": False} if hasattr(anthropic, "OpenTelemetryOptions") else {})


@pytest.fixture
async def client(tape, options):
    async with anthropic.AsyncAnthropic(**options) as opened:
        yield opened


def ask(model="claude-x"):
    return {"model": model, "messages": HELLO, "max_tokens": 64}


async def test_a_message(client, calls, tape, measured):
    await client.messages.create(**ask(), system="a secret", metadata={"user_id": "ada"})
    (span,) = calls()
    assert (span.name, span.kind, span.failed, span.events) == ("chat claude-x", "client", False, [])
    assert span.attributes == {**ASKED, **ANSWERED}
    assert measured(semconv.LLM_TOKENS) == {
        ("chat", "anthropic", "claude-x", "input"): 1,
        ("chat", "anthropic", "claude-x", "output"): 1,
    }
    assert tape.seconds(semconv.LLM_TOKENS) == 15 + 9


async def test_a_stream_is_the_sdks_own(client, calls):
    stream = await client.messages.create(**ask(), stream=True)
    assert type(stream) is anthropic.AsyncStream
    assert [event.type async for event in stream] == [event["type"] for event in events()]
    (span,) = calls()
    assert span.attributes == {**STREAMED, **ANSWERED}


async def test_the_helper_for_streams(client, calls):
    async with client.messages.stream(**ask()) as stream:
        assert [text async for text in stream.text_stream] == ["a secret"]
        assert (await stream.get_final_message()).stop_reason == "tool_use"
    (span,) = calls()
    assert span.attributes == {**STREAMED, **ANSWERED}


async def test_a_stream_that_is_closed_early(client, calls):
    async with client.messages.stream(**ask("hangs")) as stream:
        await anext(stream.__aiter__())
    (span,) = calls()
    assert span.attributes["bot.llm.stream_end"] == "closed"
    assert span.attributes["gen_ai.usage.input_tokens"] == 15
    assert not span.failed


async def test_a_stream_that_says_that_it_failed(client, calls):
    with pytest.raises(anthropic.APIStatusError) as raised:
        async for _event in await client.messages.create(**ask("breaks"), stream=True):
            pass
    (span,) = calls()
    assert span.attributes["error.type"] == f"anthropic.{type(raised.value).__name__}"
    assert "a secret" not in json.dumps(span.events)


async def test_a_refusal(client, calls, tape):
    with pytest.raises(anthropic.APIStatusError) as raised:
        await client.messages.create(**ask("overloaded"))
    name = f"{type(raised.value).__module__}.{type(raised.value).__name__}"
    (span,) = calls()
    asked = {**ASKED, "gen_ai.request.model": "overloaded"}
    assert span.attributes == {**asked, "error.type": name, "http.response.status_code": 529}
    assert "a secret" not in json.dumps(span.events)


async def test_raw_responses(client, calls):
    raw = await client.messages.with_raw_response.create(**ask())
    parsed = raw.parse()
    assert (await parsed if asyncio.iscoroutine(parsed) else parsed).stop_reason == "tool_use"
    async with client.messages.with_streaming_response.create(**ask()) as response:
        await response.parse()
    one, two = calls()
    assert one.attributes == two.attributes == {**ASKED, **ANSWERED}


async def test_a_sync_client_in_a_thread(tape, options, calls):
    def work():
        with anthropic.Anthropic(**options) as client:
            client.messages.create(**ask())
            for _event in client.messages.create(**ask(), stream=True):
                pass

    await asyncio.to_thread(work)
    whole, stream = calls()
    assert whole.attributes == {**ASKED, **ANSWERED}
    assert stream.attributes == {**STREAMED, **ANSWERED}


async def test_where_the_sdk_makes_its_own_spans_ours_only_measures(tape, options, calls, measured):
    if not hasattr(anthropic, "OpenTelemetryOptions"):
        pytest.skip("this SDK makes no spans of its own")
    async with anthropic.AsyncAnthropic(**{**options, "open_telemetry": None}) as client:
        await client.messages.create(**ask())
        async for _event in await client.messages.create(**ask(), stream=True):
            pass
    assert {span.scope for span in calls()} == {"com.anthropic.sdk.python"}
    assert len(calls()) == 2
    assert measured(semconv.LLM_DURATION) == {("chat", "anthropic", "claude-x"): 2}
    assert measured(semconv.LLM_FIRST_CHUNK) == {("chat", "anthropic", "claude-x"): 1}


async def test_the_watcher_is_told_where_the_model_is(client, options, tape):
    await client.messages.create(**ask())
    told = [rest for sort, _, *rest in tape.recorder.definitions if sort == "endpoint"]
    url = f"{options['base_url']}" + str(client.base_url).removeprefix(options["base_url"])
    assert told[-1] == ["anthropic", {"base_url": url, "provider": "anthropic", "api_key": "none"}]


async def test_undone_it_is_the_sdk_as_it_was(client, calls):
    registry.undo()
    assert "whisperwatch" not in anthropic.AsyncAnthropic.request.__code__.co_filename
    await client.messages.create(**ask())
    assert calls() == []
