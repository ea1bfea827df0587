"""What a span costs after it has ended: export, hand-over and encoding, in all processes, against the SDK's.

    python -m bench.export_cost [--spans N] [--rate N] [--rounds N]

Spans that have ended are given to the ship, or to the SDK's batch processor with its OTLP/HTTP exporter, at a steady
rate. Charged is the CPU of all threads but the giving one's, in the bot's process and the watcher's, less what the same
processes take in as long a time without spans; so the collector's requests are charged, too. The variants take turns,
each in a process of its own; what did not arrive is said. Prints µs of CPU a span: medians, and the lowest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.pipeline_cost import STATIC, sdk_spans, spans
from bench.void import void
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.ship import Options, Ship
from whisperwatch.state import StateDirectory, open_state

VARIANTS = ("whisperwatch", "and the store", "SDK")
_STEP_S = 0.01


class Idle:
    """The loop of a bot that is never blocked."""

    thread_id = 0
    loop = None

    @property
    def last_turn_ns(self) -> int:
        return time.monotonic_ns()


class Meter:
    """CPU seconds of this process' other threads, and of its children."""

    def __init__(self) -> None:
        self._children = psutil.Process().children()
        self._before = self._now()

    def _now(self) -> tuple[float, float]:
        others = time.process_time() - time.thread_time()
        return others, sum(sum(child.cpu_times()[:2]) for child in self._children)

    def taken(self) -> tuple[float, float]:
        return tuple(now - before for now, before in zip(self._now(), self._before, strict=True))  # type: ignore[return-value]


def give(records: Sequence[Any], take: Callable[[Any], Any], rate: int) -> None:
    """Give the records, at most so many a second."""
    each, due = max(1, round(rate * _STEP_S)), time.perf_counter()
    for start in range(0, len(records), each):
        for record in records[start : start + each]:
            take(record)
        due += _STEP_S
        time.sleep(max(0.0, due - time.perf_counter()))


def through_ship(records: list[Any], rate: int) -> list[float]:
    """µs a span in this process, and in the watcher's."""
    for attributes in STATIC:
        recorder.attribute_set(attributes)
    with tempfile.TemporaryDirectory() as home:
        state = StateDirectory(None)
        if os.environ["WHISPERWATCH_STORE"] != "off":
            os.environ["WHISPERWATCH_STATE_DIR"] = home
            state = open_state()
        ship = Ship(recorder, beat=dict, state=state, options=Options(), pulse=Idle())  # type: ignore[arg-type]
        ship.start()
        while not ship.welcome:
            time.sleep(0.05)
        figures = measured(records, recorder.span_ended, lambda: ship.flush(30), rate)
        if not ship.stop(30):
            raise SystemExit("the watcher did not take everything")
    return figures


def through_sdk(records: list[Any], rate: int) -> list[float]:
    processor = BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=len(records))
    return measured(sdk_spans(records), processor.on_end, processor.force_flush, rate)


def measured(
    given: Sequence[Any], take: Callable[[Any], Any], flush: Callable[[], bool], rate: int
) -> list[float]:
    give(given[: len(given) // 10], take, rate)  # everything is imported, connected and warm
    if not flush():
        raise SystemExit("the first spans did not arrive")
    idle, began = Meter(), time.perf_counter()
    time.sleep(len(given) / rate)
    resting = [taken / (time.perf_counter() - began) for taken in idle.taken()]
    busy, began = Meter(), time.perf_counter()
    give(given, take, rate)
    if not flush():
        raise SystemExit("not all spans arrived")
    time.sleep(0.5)  # for the watcher, which has them, to pass them on
    elapsed = time.perf_counter() - began
    return [
        (taken - rest * elapsed) / len(given) * 1e6 for taken, rest in zip(busy.taken(), resting, strict=True)
    ]


def one(variant: str, count: int, rate: int) -> None:
    records = spans(count, random.Random(1))
    print(json.dumps((through_sdk if variant == "SDK" else through_ship)(records, rate)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--spans", type=int, default=20_000, help="spans a round (default 20000)")
    options.add_argument("--rate", type=int, default=2_000, help="spans a second (default 2000)")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        return one(chosen.one, chosen.spans, chosen.rate)
    found: dict[str, list[list[float]]] = {variant: [] for variant in VARIANTS}
    with void() as collector:
        for _ in range(chosen.rounds):
            for variant in VARIANTS:
                surroundings = {
                    **os.environ,
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector,
                    "WHISPERWATCH_STORE": "on" if variant == "and the store" else "off",
                    "HEALTH_CHECK_PORT": "0",
                }
                command = [sys.executable, "-m", "bench.export_cost", "--one", variant]
                command += ["--spans", str(chosen.spans), "--rate", str(chosen.rate)]
                said = subprocess.run(
                    command, env=surroundings, stdout=subprocess.PIPE, text=True, check=True
                )
                found[variant].append(json.loads(said.stdout))
    print(f"µs a span            bot  watcher      sum   lowest     ({chosen.rounds} rounds, medians)")
    for variant, rounds in found.items():
        bot, watcher = (statistics.median(figures) for figures in zip(*rounds, strict=True))
        sums = [sum(figures) for figures in rounds]
        print(f"{variant:15} {bot:8.2f} {watcher:8.2f} {statistics.median(sums):8.2f} {min(sums):8.2f}")
    return None


if __name__ == "__main__":
    main()
