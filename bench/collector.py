"""What the collector of otel-collector/ takes on one core: spans a second of its CPU time, and its memory.

    python -m bench.collector [--seconds 20] [--programs FOLDER]

The whole configuration runs, with queues on the disk, redaction and span metrics, once without and once with tail
sampling. What is sent are messages of a companion: a root, a command, two statements, a cache's read, a model's call
and two requests. The machine may be busy: what counts is the processor's time that the collector itself has used.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from tests.stack import otlp
from tests.stack.programs import COLLECTOR, Stack, folder

from bench.void import void

_TRACES = 125
"""In a request: a thousand spans."""
_MARK = b"\xee" * 8
"""Stands for the half of a trace's id that each request has anew."""
_MB = 1024 * 1024


def main() -> None:
    """Measure both, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--programs", type=Path, default=None)
    wish = parser.parse_args()
    programs = wish.programs or folder()
    if programs is None:
        raise SystemExit("the stack's programs are not built: make stack-tools")
    sampling = COLLECTOR / "overlays" / "tail-sampling.yaml"
    print("| | spans/s of one core | spans taken | RSS at most | of it anonymous |")
    print("| --- | --- | --- | --- | --- |")
    for name, overlays in {"all kept": (), "tail sampling": (sampling,)}.items():
        with tempfile.TemporaryDirectory() as data, void() as nowhere:
            stack = Stack(programs, Path(data))
            targets = dict.fromkeys(("PROMETHEUS_OTLP", "LOKI_OTLP", "TEMPO_OTLP"), nowhere)
            try:
                url = stack.start_collector(
                    *overlays, core=(os.cpu_count() or 1) - 1, GOMEMLIMIT="380MiB", **targets
                )
                print(
                    f"| {name} | {_measured(psutil.Process(stack.process('otelcol').pid), url, wish.seconds)} |"
                )
            finally:
                stack.stop()


def _measured(collector: psutil.Process, url: str, seconds: float) -> str:
    body, taken, most = _request(), 0, (0, 0)
    spent, end = _cpu(collector), time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            otlp.post(f"{url}/v1/traces", body.replace(_MARK, secrets.token_bytes(8)))
            taken += 8 * _TRACES
        except urllib.error.HTTPError:  # the memory limiter refuses
            time.sleep(0.05)
        memory = collector.memory_full_info()
        most = max(most[0], memory.rss), max(most[1], memory.rss - memory.shared)
    spent = _cpu(collector) - spent
    return f"{taken / spent:,.0f} | {taken:,} | {most[0] / _MB:.0f} MB | {most[1] / _MB:.0f} MB"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _request() -> bytes:
    spans = [span for number in range(_TRACES) for span in _message(number)]
    body: bytes = otlp.traces(
        spans, otlp.SERVICE | {"telemetry.sdk.name": "opentelemetry"}
    ).SerializeToString()
    return body


def _message(number: int) -> Iterator[Any]:
    """The spans of one message, and its answer."""
    trace = int.from_bytes(_MARK, "big") << 64 | number
    guild, channel, user = "0a1b2c3d4e5f6071", "1a2b3c4d5e6f7081", f"{number:016x}"
    sql = {"db.system.name": "postgresql", "db.namespace": "companion", "server.address": "postgres"}
    rest = {"http.request.method": "POST", "url.template": "/channels/{channel_id}/messages"}
    parts: list[tuple[str, dict[str, Any]]] = [
        ("message", {
            "bot.name": "Wren", "discord.event.name": "message", "discord.shard.id": 0, "discord.guild.id": guild,
            "discord.channel.id": channel, "discord.user.id": user, "discord.message.id": user,
        }),
        ("command ask", {
            "bot.name": "Wren", "discord.command.name": "ask", "discord.command.kind": "prefix", "outcome": "ok",
        }),
        ("SELECT turns", sql | {
            "db.operation.name": "SELECT", "db.collection.name": "turns",
            "db.query.text": "SELECT said, answer FROM turns WHERE person = $1 ORDER BY id DESC LIMIT ?",
        }),
        ("INSERT turns", sql | {
            "db.operation.name": "INSERT", "db.collection.name": "turns",
            "db.query.text": "INSERT INTO turns (person, said, answer) VALUES ($1, $2, $3)",
        }),
        ("GET", {"db.system.name": "redis", "db.operation.name": "GET", "server.address": "redis"}),
        ("chat gpt-4o-mini", {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.usage.input_tokens": 420,
            "gen_ai.usage.output_tokens": 96, "gen_ai.request.stream": True, "server.address": "api.openai.com",
        }),
        ("POST /channels/{channel_id}/messages", rest | {"http.response.status_code": 200}),
        ("POST /channels/{channel_id}/typing", rest | {"http.response.status_code": 204}),
    ]  # fmt: skip
    for at, (name, attributes) in enumerate(parts, 1):
        yield otlp.span(trace, at, parent=at > 1, name=name, attributes=attributes)


if __name__ == "__main__":
    main()
