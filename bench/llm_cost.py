"""What watching a streamed call to a language model costs: ours, and OpenTelemetry's GenAI package, in one run.

    python -m bench.llm_cost [--rounds N] [--calls N]

CPU of the bot's process for one streamed chat completion of OpenAI's SDK, its 20 chunks read; the server is another
process. The ways take turns, round by round; what one adds is the median of its differences to the unwatched calls of
the same round. `contrib, no-op providers` is what the contrib package does before anything is recorded; `contrib, SDK`
records with the SDK (batch processor, periodic reader, exporters that drop all). Ours includes what the ship's thread
does of it later. Needs `opentelemetry-instrumentation-genai-openai` beside what the tests need.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import openai
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NoOpTracerProvider

from whisperwatch.bot.instrument.libraries.llm.openai import apply
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.recorder import recorder

CHUNKS = 20
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
Switch = Callable[[], Callable[[], Any]]
"""Switches a way of watching on; returns what switches it off, having flushed."""


class Dropping(SpanExporter):
    """Takes spans, and does nothing."""

    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def answer() -> bytes:
    """A stream as OpenAI sends it."""
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    deltas: list[dict[str, Any]] = [{"delta": {"content": "word "}, "finish_reason": None}] * CHUNKS
    deltas.append({"delta": {}, "finish_reason": "stop"})
    chunks: list[dict[str, Any]] = [{**frame, "choices": [{"index": 0, **delta}]} for delta in deltas]
    usage = {"prompt_tokens": 12, "completion_tokens": CHUNKS, "total_tokens": 12 + CHUNKS}
    chunks.append({**frame, "choices": [], "usage": usage})
    body = (
        b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    )
    return _HEAD % len(body) + body


async def serve() -> None:
    """Answer every request with the same stream."""
    told = answer()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # the client has gone
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().split(b"\r\n")
                length = next(line for line in lines if line.startswith(b"content-length"))
                await reader.readexactly(int(length.partition(b":")[2]))
                writer.write(told)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def nothing() -> Callable[[], Any]:
    return lambda: None


def ours() -> Callable[[], Any]:
    undo = apply()
    recorder.deferring = True

    def off() -> None:
        recorder.take_spans(1_000_000)
        recorder.take_cells()
        recorder.deferring = False
        undo()

    return off


def contrib(tracers: Any, meters: Any, flush: Callable[[], Any]) -> Switch:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    def on() -> Callable[[], Any]:
        instrumentor = OpenAIInstrumentor()
        instrumentor.instrument(tracer_provider=tracers, meter_provider=meters)

        def off() -> None:
            flush()
            instrumentor.uninstrument()

        return off

    return on


async def block(client: openai.AsyncOpenAI, calls: int, switch: Switch) -> float:
    """Microseconds of CPU a call."""
    off = switch()
    start = time.process_time()
    for _ in range(calls):
        stream = await client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "hello"}],
            temperature=0.7,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for _chunk in stream:
            pass
    off()
    return (time.process_time() - start) / calls * 1e6


async def measure(port: int, rounds: int, calls: int, ways: dict[str, Switch]) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {name: [] for name in ways}
    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none") as client:
        for number in range(rounds + 1):
            turn = list(ways)[number % len(ways) :] + list(ways)[: number % len(ways)]
            for name in turn:
                took = await block(client, calls, ways[name])
                if number:  # the first warms up
                    figures[name].append(took)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.llm_cost")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=25)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return
    spans = TracerProvider(shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(Dropping()))
    points = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    providers.install()
    ways: dict[str, Switch] = {
        "unwatched": nothing,
        "contrib, no-op providers": contrib(NoOpTracerProvider(), NoOpMeterProvider(), lambda: None),
        "contrib, SDK": contrib(spans, points, spans.force_flush),
        "ours": ours,
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.llm_cost", "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        figures = asyncio.run(measure(port, arguments.rounds, arguments.calls, ways))
    finally:
        server.kill()
        server.wait()
        spans.shutdown()
    tell(figures)


def tell(figures: dict[str, list[float]]) -> None:
    bare = figures.pop("unwatched")
    added = {name: [one - two for one, two in zip(took, bare, strict=True)] for name, took in figures.items()}
    against = statistics.median(added["contrib, SDK"])
    print(f"unwatched: {statistics.median(bare):.0f} µs a call")
    print("| way | added, µs a call | middle half | of contrib, SDK |\n| --- | --- | --- | --- |")
    for name, values in added.items():
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"| {name} | {middle:.0f} | {low:.0f} to {high:.0f} | {middle / against:.2f} |")


if __name__ == "__main__":
    main()
