"""OpenAI's SDK against the demo's language model: whole spans, whatever way the bot asks and however it ends."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from aiohttp import web
from openai import AsyncStream
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.llm import answers
from whisperwatch.bot.instrument.libraries.llm import openai as watched
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.recording.exceptions import type_name
from whisperwatch.demo.backends.llm import MODEL

HELLO = [{"role": "user", "content": "a secret of mine"}]
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": MODEL,
    "server.address": "127.0.0.1",
    "server.port": "#",
}
ANSWERED = {
    "gen_ai.response.model": MODEL,
    "gen_ai.response.id": "#",
    "gen_ai.response.finish_reasons": ("stop",),
}
STREAMED = {**ASKED, "gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": "#"}


def usage(model):
    told = model.ledger
    return {
        "gen_ai.usage.input_tokens": told.prompt_tokens,
        "gen_ai.usage.output_tokens": told.completion_tokens,
    }


async def test_a_call_is_one_span_with_its_numbers_and_without_its_words(client, model, calls):
    answer = await client.chat.completions.create(
        model=MODEL, messages=HELLO, temperature=0.5, max_tokens=50, n=1, user="ada"
    )
    (span,) = calls()
    assert (span.name, span.kind, span.failed, span.events) == (f"chat {MODEL}", "client", False, [])
    assert span.attributes == {
        **ASKED, **ANSWERED, **usage(model), "gen_ai.request.temperature": 0.5, "gen_ai.request.max_tokens": 50,
    }  # fmt: skip
    told = json.dumps(span.attributes)
    assert "secret" not in told
    assert "ada" not in told
    assert answer.choices[0].message.content not in told


async def test_what_is_measured_of_it(client, model, tape, measured):
    await client.chat.completions.create(model=MODEL, messages=HELLO)
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    async for _chunk in stream:
        pass
    of_a_call = ("chat", "openai", MODEL)
    assert measured(semconv.LLM_DURATION) == {of_a_call: 2}
    assert measured(semconv.LLM_FIRST_CHUNK) == {of_a_call: 1}
    assert measured(semconv.LLM_TOKENS) == {
        (*of_a_call, "input"): 1,
        (*of_a_call, "output"): 1,
    }
    assert (
        tape.seconds(semconv.LLM_TOKENS) == (model.ledger.prompt_tokens + model.ledger.completion_tokens) / 2
    )
    assert measured(semconv.LLM_COST) == {}


async def test_what_it_costs_where_a_price_is_set(client, model, tape, tmp_path, monkeypatch, measured):
    table = tmp_path / "prices.json"
    table.write_text(json.dumps({MODEL[:4]: {"input": 2e6, "output": 1e6}, "c": {"input": 0, "output": 0}}))
    monkeypatch.setenv("WHISPERWATCH_LLM_PRICES", str(table))
    await client.chat.completions.create(model=MODEL, messages=HELLO)
    told = model.ledger
    assert measured(semconv.LLM_COST) == {
        ("unknown", "openai", MODEL, "none"): 2 * told.prompt_tokens + told.completion_tokens
    }


async def test_a_stream_is_the_sdks_own_and_its_span_ends_with_it(client, model, calls):
    stream = await client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    assert type(stream) is AsyncStream
    assert calls() == []
    said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert said
    (span,) = calls()
    assert span.attributes == {**STREAMED, **ANSWERED, **usage(model)}
    assert stream.response.is_closed


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_a_stream_reads_the_same_as_unwatched(client, model, one_by_one):
    async def read():
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        if not one_by_one:
            return [chunk.choices async for chunk in stream]
        chunks = []
        while (chunk := await anext(stream, None)) is not None:
            chunks.append(chunk.choices)
        return chunks

    seen = await read()
    registry.undo()
    assert seen == await read()


async def test_a_stream_that_is_closed_early(client, calls):
    async with await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        await anext(stream)
    (span,) = calls()
    known = {key: ANSWERED[key] for key in ("gen_ai.response.model", "gen_ai.response.id")}
    assert span.attributes == {**STREAMED, **known, "bot.llm.stream_end": "closed"}
    assert not span.failed


async def test_a_stream_that_nobody_has_begun_to_read(client, calls):
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    await stream.close()
    (span,) = calls()
    assert span.attributes == {**ASKED, "gen_ai.request.stream": True, "bot.llm.stream_end": "closed"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpx's, watched or not
async def test_a_stream_that_is_let_go_of(client, calls, abandoned_is_over):
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    async for _chunk in stream:
        break
    response = stream.response
    del stream
    found = []
    await abandoned_is_over(lambda: found.extend(calls()) or found)
    assert found[0].attributes["bot.llm.stream_end"] == "abandoned"
    await response.aclose()


async def breaking(request):
    """A stream whose connection breaks after the first chunk."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    choice = {"index": 0, "delta": {"content": "Hm"}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [choice]}
    await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    request.transport.close()
    return response


async def test_a_stream_that_breaks_midway(tape, aiohttp_url, calls):
    async with openai.AsyncOpenAI(base_url=await aiohttp_url(breaking), api_key="none") as client:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        with pytest.raises(Exception) as raised:  # noqa: PT011 - before 3 it is the HTTP library's own
            async for _chunk in stream:
                pass
    (span,) = calls()
    assert span.failed
    assert span.attributes == {
        **STREAMED, "gen_ai.request.model": "m", "gen_ai.response.model": "m-1", "gen_ai.response.id": "#",
        "error.type": type_name(raised.value),
    }  # fmt: skip


async def test_a_stream_that_is_cancelled(client, model, calls):
    model.temper.token_s = 30
    begun = asyncio.Event()

    async def read():
        async for _chunk in await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (span,) = calls()
    assert span.failed
    assert span.attributes["error.type"] == "asyncio.exceptions.CancelledError"


async def test_a_call_that_is_cancelled(client, model, calls):
    model.temper.first_token_s = 30
    task = asyncio.create_task(client.chat.completions.create(model=MODEL, messages=HELLO))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (span,) = calls()
    assert span.attributes == {**ASKED, "error.type": "asyncio.exceptions.CancelledError"}


async def test_a_refusal_is_the_sdks_own_exception_and_leaves_no_text(client, model, calls, tape, measured):
    model.temper.fail_next = 1
    with pytest.raises(openai.InternalServerError) as raised:
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert raised.value.status_code == 503
    (span,) = calls()
    assert span.attributes == {
        **ASKED, "error.type": "openai.InternalServerError", "http.response.status_code": 503,
    }  # fmt: skip
    ((name, about),) = span.events
    assert (name, about["exception.type"]) == ("exception", "openai.InternalServerError")
    assert "headache" not in json.dumps(about)
    assert measured(semconv.LLM_DURATION) == {("chat", "openai", MODEL, "openai.InternalServerError"): 1}


async def test_nobody_there(tape, nobody, calls):
    async with openai.AsyncOpenAI(base_url=nobody, api_key="none", max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError):
            await client.chat.completions.create(model=MODEL, messages=HELLO)
    (span,) = calls()
    assert span.attributes["error.type"] == "openai.APIConnectionError"


async def test_a_call_that_succeeds_on_retry_is_one_span_and_no_error(client, model, calls):
    model.temper.fail_next = 1
    await client.with_options(max_retries=1).chat.completions.create(model=MODEL, messages=HELLO)
    (span,) = calls()
    assert not span.failed
    assert span.attributes == {**ASKED, **ANSWERED, **usage(model)}


async def test_raw_responses(client, model, calls):
    raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    (span,) = calls()
    assert span.attributes == {**ASKED, **ANSWERED, **usage(model)}
    assert raw.parse().choices


async def test_a_stream_of_a_raw_response(client, calls):
    raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, stream=True)
    assert calls() == []
    async for _chunk in raw.parse():
        pass
    (span,) = calls()
    assert span.attributes == {**STREAMED, **ANSWERED}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpx's, watched or not
async def test_a_raw_response_that_is_let_go_of(client, calls, abandoned_is_over):
    await client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, stream=True)
    found = []
    await abandoned_is_over(lambda: found.extend(calls()) or found)
    assert found[0].attributes["bot.llm.stream_end"] == "abandoned"


async def test_a_response_that_is_read_later(client, model, calls):
    asking = client.chat.completions.with_streaming_response.create(model=MODEL, messages=HELLO)
    async with asking as response:
        assert calls() == []
        await response.parse()
    (span,) = calls()
    assert span.attributes == {**ASKED, **ANSWERED, **usage(model)}


async def test_a_response_that_is_not_read(client, calls):
    asking = client.chat.completions.with_streaming_response.create(model=MODEL, messages=HELLO, stream=True)
    async with asking as response:
        async for _line in response.iter_lines():
            break
    (span,) = calls()
    assert span.attributes == {**ASKED, "gen_ai.request.stream": True, "bot.llm.stream_end": "closed"}


async def test_the_helper_for_streams(client, calls):
    async with client.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        async for _event in stream:
            pass
        completion = await stream.get_final_completion()
    assert completion.choices[0].message.content
    (span,) = calls()
    assert span.attributes == {**STREAMED, **ANSWERED}


async def test_a_sync_client_in_a_thread(tape, model, calls):
    def ask():
        with openai.OpenAI(base_url=model.url, api_key="none") as client:
            client.chat.completions.create(model=MODEL, messages=HELLO)
            with client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
                for _chunk in stream:
                    pass
            with client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
                next(stream)
            with pytest.raises(openai.NotFoundError):
                client.chat.completions.create(model="no", messages=HELLO)

    await asyncio.to_thread(ask)
    whole, stream, closed, failed = calls()
    assert whole.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert stream.attributes == {**STREAMED, **ANSWERED}
    assert closed.attributes["bot.llm.stream_end"] == "closed"
    assert failed.name == "chat no"
    assert failed.attributes["error.type"] == "openai.NotFoundError"


async def test_it_is_part_of_the_message_that_caused_it(server, run, bot, client, tape, calls):
    @bot.command()
    async def ask(ctx):
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        await ctx.send("".join([c.choices[0].delta.content or "" async for c in stream]))

    async with run(server, bot):
        await server.user("ada").say("!ask")
    (command,) = tape.root("message").children
    assert [span.name for span in command.children] == [
        f"chat {MODEL}",
        "POST /channels/{channel_id}/messages",
    ]


async def other_shapes(request):
    """The API's other answers, as OpenAI documents them."""
    body = await request.json()
    if request.path.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}
        return web.json_response({
            "object": "list", "data": [vector], "model": "embed-1", "usage": {"prompt_tokens": 3, "total_tokens": 3},
        })  # fmt: skip
    if request.path.endswith("/completions"):
        tool = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "tool_calls": [tool, {**tool, "id": "c2"}]}
        details = {
            "completion_tokens_details": {"reasoning_tokens": 7},
            "prompt_tokens_details": {"cached_tokens": 2},
        }
        return web.json_response({
            "id": "c", "object": "chat.completion", "created": 1, "model": "m-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 4, "completion_tokens": 9, "total_tokens": 13, **details},
        })  # fmt: skip
    call = {
        "type": "function_call",
        "call_id": "1",
        "name": "weather",
        "arguments": "{}",
        "id": "f",
        "status": "completed",
    }
    response = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m-1", "status": "completed", "output": [call],
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {
            "input_tokens": 5, "output_tokens": 6, "total_tokens": 11,
            "input_tokens_details": {"cached_tokens": 1}, "output_tokens_details": {"reasoning_tokens": 3},
        },
    }  # fmt: skip
    if not body.get("stream"):
        return web.json_response(response)
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    item = {"type": "response.output_item.added", "output_index": 0, "item": call, "sequence_number": 1}
    events = [
        {"type": "response.created", "response": begun, "sequence_number": 0},
        item,
        {"type": "response.completed", "response": response, "sequence_number": 2},
    ]
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return web.Response(text=text, content_type="text/event-stream")


@pytest.fixture
async def other_client(tape, aiohttp_url):
    async with openai.AsyncOpenAI(base_url=await aiohttp_url(other_shapes), api_key="none") as opened:
        yield opened


RESPONSE = {
    "gen_ai.response.model": "m-1", "gen_ai.response.id": "#", "gen_ai.response.finish_reasons": ("completed",),
    "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 6, "gen_ai.usage.cache_read.input_tokens": 1,
    "gen_ai.usage.reasoning.output_tokens": 3, "bot.llm.tool_calls": 1,
}  # fmt: skip


async def test_embeddings(other_client, calls):
    await other_client.embeddings.create(model="embed", input="a secret", encoding_format="float")
    (span,) = calls()
    assert span.name == "embeddings embed"
    assert span.attributes == {
        **ASKED, "gen_ai.operation.name": "embeddings", "gen_ai.request.model": "embed",
        "gen_ai.response.model": "embed-1", "gen_ai.usage.input_tokens": 3,
    }  # fmt: skip


async def test_the_responses_api(other_client, calls):
    await other_client.responses.create(model="m", input="a secret", max_output_tokens=9)
    (span,) = calls()
    asked = {**ASKED, "gen_ai.request.model": "m"}
    assert span.attributes == {**asked, **RESPONSE, "gen_ai.request.max_tokens": 9}


async def test_a_stream_of_the_responses_api(other_client, calls):
    async with other_client.responses.stream(model="m", input="a secret") as stream:
        async for _event in stream:
            pass
    (span,) = calls()
    assert span.attributes == {**STREAMED, "gen_ai.request.model": "m", **RESPONSE}


async def test_tool_calls_are_counted(other_client, calls):
    await other_client.chat.completions.create(model="m", messages=HELLO)
    (span,) = calls()
    assert span.attributes["bot.llm.tool_calls"] == 2
    assert span.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert span.attributes["gen_ai.usage.reasoning.output_tokens"] == 7
    assert span.attributes["gen_ai.usage.cache_read.input_tokens"] == 2


async def test_the_watcher_is_told_where_the_model_is(client, model, tape):
    await client.chat.completions.create(model=MODEL, messages=HELLO)
    told = [rest for sort, _, *rest in tape.recorder.definitions if sort == "endpoint"]
    about = {"base_url": f"{model.url}/", "provider": "openai", "api_key": "none"}
    assert told[-1] == ["openai", about]


async def test_other_requests_are_none_of_it(client, calls):
    assert [model.id async for model in client.models.list()] == [MODEL]
    assert calls() == []


async def test_where_contribs_instrumentation_is_at_work_ours_is_still(client, calls):
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=NoOpTracerProvider(), meter_provider=NoOpMeterProvider())
    try:
        await client.with_options(max_retries=0).chat.completions.create(model=MODEL, messages=HELLO)
        assert calls() == []
    finally:
        instrumentor.uninstrument()
    await client.with_options(max_retries=0).chat.completions.create(model=MODEL, messages=HELLO)
    assert len(calls()) == 1


async def test_where_the_client_is_wrapped_by_another_ours_is_still(client, calls):
    plain = client.request
    client.request = lambda *args, **kwargs: plain(*args, **kwargs)
    await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert calls() == []


async def test_suppressed(client, calls):
    with suppress_instrumentation():
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert calls() == []


async def test_a_hook_that_breaks_changes_nothing_for_the_bot(client, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    expected = await client.chat.completions.create(model=MODEL, messages=HELLO)
    for place, name in ((watched.clients, "_server"), (answers, "_read_identity"), (answers, "_finished")):
        monkeypatch.setattr(place, name, None)
        answer = await client.chat.completions.create(model=MODEL, messages=HELLO)
        assert answer.choices == expected.choices
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        assert [chunk async for chunk in stream]
        assert guard.counts
        guard.counts.clear()
        monkeypatch.undo()
        monkeypatch.setattr(guard, "strict", False)


async def test_undone_it_is_the_sdk_as_it_was(client, calls):
    registry.undo()
    assert "whisperwatch" not in openai.AsyncOpenAI.request.__code__.co_filename
    assert "whisperwatch" not in AsyncStream.close.__code__.co_filename
    assert "whisperwatch" not in AsyncStream.__init__.__code__.co_filename
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    assert type(stream._iterator).__name__ == "async_generator"
    await stream.close()
    assert calls() == []
    undo = watched.apply()
    watched.apply()
    await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert len(calls()) == 1
    undo()
    undo()
    assert "whisperwatch" not in openai.AsyncOpenAI.request.__code__.co_filename
