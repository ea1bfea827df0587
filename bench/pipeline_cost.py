"""What a span costs the watcher: unmarshal and OTLP bytes, against the SDK's encoder for the same spans, in one run.

    python -m bench.pipeline_cost [--spans N] [--rounds N]

Prints µs of CPU a span (median of the rounds, the variants interleaved) and the ratio of the two. The batch is what a
command with a reply makes: the event, the command, a database call and the REST request.
"""

from __future__ import annotations

import argparse
import marshal
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Stream

RESOURCE = {"service.name": "bench", "service.instance.id": "0", "telemetry.sdk.language": "python"}
STATIC = [
    {"bot.name": "demo", "discord.event.name": "message"},
    {"bot.name": "demo", "discord.command.name": "ask", "discord.command.kind": "prefix", "outcome": "ok"},
    {"db.system.name": "postgresql", "db.operation.name": "SELECT", "server.address": "localhost"},
    {"http.request.method": "POST", "url.template": "/channels/{channel_id}/messages"},
]
NAMES = ["message", "command ask", "SELECT memories", "POST /channels/{channel_id}/messages"]
KINDS = [4, 0, 2, 2]


def spans(count: int, dice: random.Random) -> list[tuple[object, ...]]:
    """Records of `count` spans, four a trace."""
    made: list[tuple[object, ...]] = []
    for _ in range(count // 4):
        trace_id, ids = dice.getrandbits(128), [dice.getrandbits(64) | 1 for _ in range(4)]
        parents = [0, ids[0], ids[1], ids[1]]
        attributes = [
            {
                "discord.shard.id": 0,
                "discord.guild.id": 10**18 + dice.randrange(20),
                "discord.channel.id": 10**18 + dice.randrange(200),
                "discord.user.id": 10**18 + dice.randrange(2000),
                "discord.message.id": 10**18 + dice.getrandbits(40),
            },
            None,
            {"db.query.text": "SELECT text FROM memories WHERE user_id = $1 ORDER BY distance LIMIT 5"},
            {"http.response.status_code": 200, "http.request.resend_count": 0},
        ]
        start = dice.randrange(10**12, 10**13)
        made += [
            (
                trace_id, ids[n], parents[n], 1, None, NAMES[n], KINDS[n], start + n * 1000, start + 10**6, n + 1,
                attributes[n], 0, None, None, None, 1, None,
            )
            for n in range(4)
        ]  # fmt: skip
    return made


def sdk_spans(records: list[tuple[object, ...]]) -> list[ReadableSpan]:
    """The same spans as the SDK has them."""
    resource, scope = Resource(RESOURCE), InstrumentationScope("whisperwatch", "0")

    def one(record: tuple) -> ReadableSpan:  # type: ignore[type-arg]
        trace_id, span_id, parent, *_ = record
        return ReadableSpan(
            name=record[5],
            context=SpanContext(trace_id, span_id, False, TraceFlags(1)),
            parent=SpanContext(trace_id, parent, False, TraceFlags(1)) if parent else None,
            resource=resource,
            attributes={**STATIC[record[9] - 1], **(record[10] or {})},
            kind=SpanKind(record[6]),
            instrumentation_scope=scope,
            status=Status(StatusCode.UNSET),
            start_time=record[7],
            end_time=record[8],
        )

    return [one(record) for record in records]


def cpu(work: Callable[[], object], count: int) -> float:
    """µs of CPU a span."""
    before = time.process_time()
    work()
    return (time.process_time() - before) / count * 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--spans", type=int, default=2000, help="spans a round, in batches of 200 (default 2000)"
    )
    options.add_argument("--rounds", type=int, default=30)
    chosen = options.parse_args()

    dice = random.Random(1)
    stream = Stream(RESOURCE)
    definitions: list[tuple[Any, ...]] = [("scope", 1, "whisperwatch", "0", None, None)]
    definitions += [("attributes", n + 1, attributes) for n, attributes in enumerate(STATIC)]
    stream.take(("batch", 1, 10**18, definitions, [], [], {}))
    encoder = SpanEncoder(stream, Redaction(bytes(32)))
    sequence = 1

    def decode(frames: list[bytes]) -> None:
        for frame in frames:
            marshal.loads(frame)

    def ours(frames: list[bytes]) -> None:
        for frame in frames:
            batch = marshal.loads(frame)
            encoder.enclosed({n: [b] for n, b in encoder.encode(stream.take(batch), batch[2]).items()})

    def theirs(batches: list[list[ReadableSpan]]) -> None:
        for batch in batches:
            encode_spans(batch).SerializeToString()

    figures: dict[str, list[float]] = {"decode": [], "whisperwatch": [], "sdk": []}
    for _ in range(chosen.rounds):
        frames, batches = [], []
        for _ in range(chosen.spans // 200):
            records = spans(200, dice)
            sequence += 1
            frames.append(marshal.dumps(("batch", sequence, 10**18, [], records, [], {})))
            batches.append(sdk_spans(records))
        figures["decode"].append(cpu(partial(decode, frames), chosen.spans))
        figures["whisperwatch"].append(cpu(partial(ours, frames), chosen.spans))
        figures["sdk"].append(cpu(partial(theirs, batches), chosen.spans))
    medians = {name: statistics.median(values) for name, values in figures.items()}
    print(f"unmarshal alone           {medians['decode']:6.2f} µs a span")
    print(f"whisperwatch, all of it   {medians['whisperwatch']:6.2f} µs a span")
    print(f"the SDK's encoder         {medians['sdk']:6.2f} µs a span")
    print(f"ratio                     {medians['whisperwatch'] / medians['sdk']:6.3f}")


if __name__ == "__main__":
    main()
