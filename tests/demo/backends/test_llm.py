from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest

from whisperwatch.demo.backends.llm import MODEL, LanguageModel


@pytest.fixture
async def model() -> AsyncIterator[LanguageModel]:
    model = LanguageModel()
    model.temper.first_token_s = model.temper.token_s = 0
    await model.start()
    yield model
    await model.stop()


@pytest.fixture
async def client(model: LanguageModel) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=model.url, api_key="none", max_retries=0) as client:
        yield client


async def test_it_streams_with_usage(model: LanguageModel, client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "how was the lighthouse?"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    usage = chunks[-1].usage
    assert "lighthouse" in text
    assert usage is not None
    assert usage.prompt_tokens == 4
    assert usage.completion_tokens == len(text.split())
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (model.ledger.answered, model.ledger.completion_tokens) == (1, usage.completion_tokens)


async def test_a_whole_answer_says_the_same_as_a_stream(client: openai.AsyncOpenAI) -> None:
    messages = [{"role": "user", "content": "tell me of the sea"}]
    whole = await client.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]
    stream = await client.chat.completions.create(model=MODEL, messages=messages, stream=True)  # type: ignore[call-overload]
    streamed = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert whole.choices[0].message.content == streamed
    assert whole.usage is not None


async def test_it_lists_its_model(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == [MODEL]


async def test_it_fails_when_told(model: LanguageModel, client: openai.AsyncOpenAI) -> None:
    model.temper.fail_next = 1
    model.temper.failure_status = 503
    ask = {"model": MODEL, "messages": [{"role": "user", "content": "hm"}]}
    with pytest.raises(openai.InternalServerError, match="headache"):
        await client.chat.completions.create(**ask)  # type: ignore[call-overload]
    await client.chat.completions.create(**ask)  # type: ignore[call-overload]
    assert model.ledger.failures == {503: 1}
    assert model.ledger.answered == 1


async def test_who_hangs_up_is_counted_and_nothing_is_logged(
    model: LanguageModel, client: openai.AsyncOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    model.temper.token_s = 0.02
    stream = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "tell me everything"}], stream=True
    )
    await anext(aiter(stream))
    await stream.close()
    async with asyncio.timeout(10):
        while not model.ledger.cut_off:  # noqa: ASYNC110 - a plain number
            await asyncio.sleep(0.01)
    assert (model.ledger.cut_off, model.ledger.answered) == (1, 0)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        ({"model": MODEL, "messages": []}, 400),
        ({"model": "gpt-0", "messages": [{"role": "user", "content": "x"}]}, 404),
    ],
)
async def test_a_wrong_request_is_refused(
    client: openai.AsyncOpenAI, ask: dict[str, object], status: int
) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        await client.chat.completions.create(**ask)  # type: ignore[call-overload]
    assert error.value.status_code == status
