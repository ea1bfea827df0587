"""What the ship does to the bot's loop: latency of a 1 ms timer at 2,000 spans a second, with and without the ship.

Run it by hand: `python -m bench.ship_latency [seconds]`. Variants take turns, each in a process of its own. In `away`
the watcher exports to a collector that isn't there, and its spool fills.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

VARIANTS = ("bare", "bare again", "off", "process", "away")
NOBODY = "http://127.0.0.1:9"
ROUNDS = 3


async def latencies(seconds: float, record: Any) -> list[float]:
    """How late each millisecond's timer was, while `record` is called twice a millisecond."""
    late, due = [], time.perf_counter()
    end = due + seconds
    while due < end:
        due += 0.001
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(time.perf_counter() - due)
        if late[-1] > 0.05:
            due = time.perf_counter()
        record()
        record()
    return late


def run(variant: str, seconds: float) -> None:
    from whisperwatch.bot.recording.recorder import recorder
    from whisperwatch.bot.ship import Options, Ship
    from whisperwatch.state import StateDirectory, open_state

    class Pulse:
        last_turn_ns = 0
        thread_id = 0
        loop = None

    def record() -> None:
        Pulse.last_turn_ns = now = time.monotonic_ns()
        own = {"discord.guild.id": now, "discord.channel.id": now, "discord.user.id": 3}
        span = (
            now << 60 | 1,
            now,
            0,
            1,
            None,
            "numbered",
            1,
            now,
            now,
            0,
            own,
            0,
            None,
            None,
            None,
            recorder.scope,
            None,
        )
        recorder.span_ended(span)

    def nothing() -> None:
        time.monotonic_ns()

    if variant.startswith("bare"):
        late = asyncio.run(latencies(seconds, nothing))
    else:
        options = Options(mode="off" if variant == "off" else "process")
        state = StateDirectory(None)
        if variant == "away":
            os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = NOBODY
            state = open_state()
        ship = Ship(recorder, beat=dict, state=state, options=options, pulse=Pulse())
        ship.start()
        while options.mode != "off" and not ship.welcome:
            time.sleep(0.05)
        time.sleep(1)
        before = time.thread_time(), time.process_time()
        late = asyncio.run(latencies(seconds, record))
        after = time.thread_time(), time.process_time()
        ship.stop(5)
        others = (after[1] - before[1]) - (after[0] - before[0])
        print(
            f"# {variant}: {others / (2000 * seconds) * 1e6:.2f} us of CPU a span in other threads",
            file=sys.stderr,
        )
    late.sort()
    print(*(f"{late[int(len(late) * q)] * 1e3:.4f}" for q in (0.5, 0.99, 0.999)))


def main() -> None:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "10"
    found: dict[str, list[list[float]]] = {variant: [] for variant in VARIANTS}
    with tempfile.TemporaryDirectory() as home:
        surroundings = {**os.environ, "HEALTH_CHECK_PORT": "0", "WHISPERWATCH_STATE_DIR": home}
        for _ in range(ROUNDS):
            for variant in VARIANTS:
                command = [sys.executable, __file__, "--one", variant, seconds]
                said = subprocess.run(
                    command, env=surroundings, stdout=subprocess.PIPE, text=True, check=True
                ).stdout
                found[variant].append([float(figure) for figure in said.split()])
    print("ms late         p50     p99     p99.9   (medians of", ROUNDS, "rounds)")
    for variant, rounds in found.items():
        print(
            f"{variant:12}", *(f"{statistics.median(figures):8.3f}" for figures in zip(*rounds, strict=True))
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run(sys.argv[2], float(sys.argv[3]))
    else:
        main()
