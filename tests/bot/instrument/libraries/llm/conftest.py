"""The real SDKs against servers on loopback."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import openai
import pytest
from aiohttp import web

from whisperwatch import semconv
from whisperwatch.demo.backends.llm import LanguageModel
from whisperwatch.demo.backends.ports import free_port


@pytest.fixture
async def model() -> AsyncIterator[LanguageModel]:
    serving = LanguageModel()
    serving.temper.first_token_s = serving.temper.token_s = 0
    await serving.start()
    yield serving
    await serving.stop()


@pytest.fixture
async def client(tape: Any, model: LanguageModel) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=model.url, api_key="none", max_retries=0) as opened:
        yield opened


@pytest.fixture
def calls(tape: Any) -> Callable[[], list[Any]]:
    """The spans of calls to a model; what differs from run to run is `#`."""

    def found() -> list[Any]:
        spans = [span for span in tape.spans() if semconv.GEN_AI_OPERATION in span.attributes]
        for span in spans:
            for key in (semconv.SERVER_PORT, semconv.GEN_AI_FIRST_CHUNK, semconv.GEN_AI_RESPONSE_ID):
                if span.attributes.get(key):
                    span.attributes[key] = "#"
        return spans

    return found


@pytest.fixture
def abandoned_is_over() -> Callable[[], Any]:
    """Waits until the loop has closed the generators that nobody holds any more."""

    async def wait(done: Callable[[], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + 30
        while not done():
            gc.collect()  # the SDK's stream and its generator refer to each other
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0)

    return wait


@pytest.fixture
def nobody() -> str:
    """A URL at which nobody listens."""
    return f"http://127.0.0.1:{free_port()}/v1"


@pytest.fixture
async def aiohttp_url() -> AsyncIterator[Callable[[Any], Any]]:
    """Serves whatever is posted with a handler; returns the URL to start from."""
    runners: list[web.AppRunner] = []

    async def serve(handler: Any) -> str:
        app = web.Application()
        app.router.add_post("/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    yield serve
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def measured(tape: Any) -> Callable[[semconv.Metric], dict[tuple[Any, ...], Any]]:
    """A metric's values (of a histogram: how many) by its attributes but the server's."""

    def found(metric: semconv.Metric) -> dict[tuple[Any, ...], Any]:
        return {
            tuple(part for part in key if part != "127.0.0.1" and type(part) is not int): value
            for key, value in tape.cells(metric).items()
        }

    return found
