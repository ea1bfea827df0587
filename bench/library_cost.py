"""What the spans of one asyncpg query and two Redis commands cost, against OpenTelemetry's contrib instrumentations.

    python -m bench.library_cost [--times N] [--rounds N]

Real servers on this machine; the CPU time of this process for each query and its two commands, beyond what the same
costs uninstrumented in the same round (median with its quartiles; the variants take turns). Contrib is measured twice:
with providers that do nothing, which is its own code, and with the SDK and an exporter that throws away. `ours, loop`
is what the bot's loop pays; `ours` has the measuring and encoding in it that the ship does later.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import asyncpg
from opentelemetry import context, trace
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from redis.asyncio import Redis

from whisperwatch import semconv
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.instrument.measures import timing
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.demo.backends.postgres import Postgres
from whisperwatch.demo.backends.redis import Redis as RedisServer
from whisperwatch.demo.home import Home

_DURATION = timing(semconv.EVENT_DURATION, {semconv.BOT_NAME: "bench", semconv.EVENT: "message"})
_ASKED = "SELECT name FROM people WHERE id = $1"


class Nowhere(SpanExporter):
    """An exporter that throws away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


@contextmanager
def contrib(provider: trace.TracerProvider) -> Any:
    """Contrib's instrumentations, and a span around, as a bot has one."""
    instrumentors = AsyncPGInstrumentor(), RedisInstrumentor()  # type: ignore[no-untyped-call]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=provider)
    with provider.get_tracer("bench").start_as_current_span("command"):
        yield
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


@contextmanager
def ours() -> Any:
    """Our instrumentations, as under a ship."""
    registry.apply(["asyncpg", "redis"])
    recorder.deferring = True
    root = Root("message", 4, recorder.attribute_set({"bot.name": "bench"}), _DURATION)
    token = context.attach(root.context_below())
    yield
    context.detach(token)
    recorder.deferring = False
    registry.undo()


@contextmanager
def bare() -> Any:
    """Nothing."""
    yield


async def main() -> None:
    wish = _arguments()
    async with Home() as home:
        servers = Postgres(home), RedisServer(home)
        for server in servers:
            await server.start()
        try:
            pool = await asyncpg.create_pool(servers[0].dsn, min_size=1, max_size=1)
            redis = Redis.from_url(servers[1].url)
            await pool.execute("CREATE TABLE people (id int PRIMARY KEY, name text)")
            await pool.execute("INSERT INTO people VALUES (1, 'ada')")
            report(await measure(pool, redis, wish.times, wish.rounds))
            await redis.aclose()
            await pool.close()
        finally:
            for server in servers:
                await server.stop()


async def measure(pool: Any, redis: Redis, times: int, rounds: int) -> dict[str, list[float]]:
    """µs a command beyond the uninstrumented, by variant, one for each round."""
    sdk = TracerProvider()
    sdk.add_span_processor(BatchSpanProcessor(Nowhere()))
    providers.install()
    variants: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "contrib, no-op": lambda: contrib(trace.NoOpTracerProvider()),
        "contrib, SDK": lambda: contrib(sdk),
        "ours": ours,
    }
    found: dict[str, list[float]] = defaultdict(list)
    async with pool.acquire() as connection:
        for number in range(rounds + 1):
            with bare():
                base, base_loop = await _spent(connection, redis, times)
            for name, variant in variants.items():
                with variant():
                    total, loop = await _spent(connection, redis, times)
                if number:  # the first warms up
                    found[name].append(total - base)
                    if name == "ours":
                        found["ours, loop"].append(loop - base_loop)
    sdk.shutdown()
    return found


async def _spent(connection: Any, redis: Redis, times: int) -> tuple[float, float]:
    """µs of CPU a command: of the process with what is left to settle, and of this thread without."""
    total, loop = time.process_time_ns(), time.thread_time_ns()
    for _ in range(times):
        await connection.fetchrow(_ASKED, 1)
        await redis.get("mood")
        await redis.set("mood", "fine", ex=60)
    loop = time.thread_time_ns() - loop
    while recorder.waiting:
        recorder.take_spans(1000)
    return (time.process_time_ns() - total) / times / 1000, loop / times / 1000


def report(found: dict[str, list[float]]) -> None:
    """Print the figures, and their ratio to contrib on the SDK."""
    reference = statistics.median(found["contrib, SDK"])
    for name, values in found.items():
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"{name:<16} {middle:7.1f} µs  ({low:.1f} to {high:.1f})  {middle / reference:5.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=200, help="commands in a round")
    parser.add_argument("--rounds", type=int, default=15, help="rounds")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
