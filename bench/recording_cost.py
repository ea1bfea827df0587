"""What recording costs the bot's loop, against the SDK doing the same, in one run.

    python -m bench.recording_cost [--times N] [--rounds N]

Prints µs of CPU an operation (median of the rounds with its quartiles, the variants interleaved) and its ratio to the
SDK's. The SDK has a tracer provider without a processor and a meter provider with one reader: what exporting costs
comes on top of it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import context, trace
from opentelemetry.sdk.metrics import MeterProvider as SDKMeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider

from whisperwatch.bot.recording.metering import MeterProvider
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.bot.recording.tracer import TracerProvider
from whisperwatch.bot.recording.tracing import tracing

RESOURCE = Resource({"service.name": "bench"})
ATTRIBUTES = {"bot.name": "demo", "discord.command.name": "ask", "outcome": "ok"}
NUMBERED: dict[str, str | int] = {"bot.name": "demo", "http.response.status_code": 200}

Operation = Callable[[], Any]


def operations() -> dict[str, list[tuple[str, Operation]]]:
    """By what is done: who does it, the SDK first, and how."""
    sdk_tracer = SDKTracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("bench")
    sdk_meter = SDKMeterProvider([InMemoryMetricReader()], RESOURCE, shutdown_on_exit=False).get_meter(
        "bench"
    )
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    tracing.use(provider)
    tracer = provider.get_tracer("bench")
    meter = MeterProvider(resource=RESOURCE, shutdown_on_exit=False).get_meter("bench")
    static = recorder.attribute_set(ATTRIBUTES)
    sdk_counter, counter = sdk_meter.create_counter("c"), meter.create_counter("c")
    sdk_histogram, histogram = sdk_meter.create_histogram("h", "s"), meter.create_histogram("h", "s")
    cell: Any = counter.instrument.find(ATTRIBUTES)  # type: ignore[attr-defined]
    fused: Any = histogram.instrument.find(ATTRIBUTES)  # type: ignore[attr-defined]
    root = Root("message", 4, static, fused)
    context.attach(root.context_below())
    span = tracing.child("command", 0, static)

    def api_span(tracer: trace.Tracer) -> Operation:
        def work() -> None:
            tracer.start_span("command", attributes=ATTRIBUTES).end()

        return work

    def current_span(tracer: trace.Tracer) -> Operation:
        def work() -> None:
            with tracer.start_as_current_span("command", attributes=ATTRIBUTES):
                pass

        return work

    def own_span() -> None:
        tracing.child("command", 0, static).end()  # type: ignore[union-attr]

    def own_root() -> None:
        event = Root("message", 4, static, fused)
        event.touched = True
        event.hold()
        event.release()

    return {
        "a span started and ended": [
            ("SDK", api_span(sdk_tracer)), ("ours, API", api_span(tracer)), ("ours, inside", own_span),
            ("ours, root + duration", own_root),
        ],
        "a span as a `with` block": [("SDK", current_span(sdk_tracer)), ("ours, API", current_span(tracer))],
        "a counter's add": [
            ("SDK", lambda: sdk_counter.add(1, ATTRIBUTES)), ("ours, API", lambda: counter.add(1, ATTRIBUTES)),
            ("ours, cell", lambda: cell.add(1)),
        ],
        "the same, an attribute being a number": [
            ("SDK", lambda: sdk_counter.add(1, NUMBERED)), ("ours, API", lambda: counter.add(1, NUMBERED)),
        ],
        "a histogram's record in a sampled span": [
            ("SDK", lambda: sdk_histogram.record(0.2, ATTRIBUTES)),
            ("ours, API", lambda: histogram.record(0.2, ATTRIBUTES)),
            ("ours, cell", lambda: fused.record(0.2, span)),
        ],
    }  # fmt: skip


def seconds(work: Operation, times: int) -> float:
    """CPU seconds of `times` runs."""
    begin = time.thread_time()
    for _ in range(times):
        work()
    return time.thread_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args()
    groups = operations()
    measured: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.rounds):
        nothing = seconds(lambda: None, options.times)
        for what, variants in groups.items():
            for who, work in variants:
                spent = seconds(work, options.times) - nothing
                measured.setdefault((what, who), []).append(spent / options.times * 1e6)
                recorder.spans.clear()
                recorder.take_cells()
    for what, variants in groups.items():
        print(what)
        reference = statistics.median(measured[what, "SDK"])
        for who, _ in variants:
            low, middle, high = statistics.quantiles(measured[what, who], n=4)
            print(
                f"  {who:22} {middle:7.2f} µs  ({low:.2f} to {high:.2f})  {middle / reference:6.3f} of the SDK's"
            )


if __name__ == "__main__":
    main()
