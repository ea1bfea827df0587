"""How long users wait for replies while the collector is there, hangs, or is away.

    python -m bench.outage_replies [--rounds N] [--messages N]

A watched bot on the loopback Discord answers one message after the other. Between the rounds the collector, a process
of its own, is stopped (it accepts connections and never answers), killed and started again, in turn; the A/A control is
that two of four rounds have it there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from itertools import count
from pathlib import Path

import discord
from discord.ext import commands

from bench import sink
from whisperwatch.bot import voyage, watch
from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord

STATES = ("there", "hangs", "there again", "away")
_SETTLES_S = 2.0
"""After a change: an export comes each second."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        os.environ |= {
            "WHISPERWATCH_STATE_DIR": str(Path(folder) / "state"), "HEALTH_CHECK_PORT": "0", "WHISPERWATCH_LINGER": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "1000",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_SERVICE_NAME": "replies",
        }  # fmt: skip
        asyncio.run(_compare(Collector(port), given.rounds, given.messages))


class Collector:
    """A process that is there, hangs or isn't."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def be(self, state: str) -> None:
        """Change to a state."""
        if state == "away":
            self.stop()
        elif self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", sink.__name__, str(self._port)], stdout=subprocess.DEVNULL
            )
            while not self._answers():
                time.sleep(0.05)
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP if state == "hangs" else signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self._port}/seen?who=replies", timeout=1).close()
        except OSError:
            return False
        return True


async def _compare(collector: Collector, rounds: int, messages: int) -> None:
    waited: dict[str, list[float]] = {state: [] for state in STATES}
    assert watch.instrument()
    bot = commands.Bot("!", intents=discord.Intents.all(), guild_ready_timeout=0.02)
    numbers = count()

    @bot.command()
    async def ask(ctx: commands.Context[commands.Bot], number: int) -> None:
        await ctx.send(f"answer {number}")

    try:
        async with LoopbackDiscord([GuildPlan("home")], people=["ada"]) as server, server.running(bot):
            await bot.wait_until_ready()
            await server.until(lambda: voyage._ship is not None and voyage._ship.welcome, 30)
            ada = server.user("ada")
            for _ in range(rounds):
                for state in STATES:
                    await asyncio.to_thread(collector.be, state)
                    await asyncio.sleep(_SETTLES_S)
                    for _, number in zip(range(messages), numbers, strict=False):
                        began = time.perf_counter()
                        message = await ada.say(f"!ask {number}")
                        await server.reply_to(message)
                        waited[state].append(time.perf_counter() - began)
            watch.uninstrument()
    finally:
        collector.stop()
    for state, times in waited.items():
        cut = statistics.quantiles(times, n=100)
        print(
            f"{state:<12} median {cut[49] * 1e3:6.2f} ms, p95 {cut[94] * 1e3:6.2f}, p99 {cut[98] * 1e3:6.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
