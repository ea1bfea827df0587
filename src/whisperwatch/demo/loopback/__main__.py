"""`python -m whisperwatch.demo.loopback`: the loopback Discord in a process of its own, driven through /_control.

The first line of its output is the port, the second the bot's token. It ends on SIGINT, SIGTERM, or when its standard
input is closed if `--until-eof` is given, so that a parent never leaves it behind.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from whisperwatch.demo.loopback.gateway import GatewaySettings
from whisperwatch.demo.loopback.ratelimits import Limits
from whisperwatch.demo.loopback.server import TOKEN, LoopbackDiscord

LIMITS = {"generous": Limits, "real": Limits.real, "none": Limits.none}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m whisperwatch.demo.loopback", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--guilds", type=int, default=1)
    parser.add_argument("--shards", type=int, default=1, help="what GET /gateway/bot recommends")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--limits", choices=sorted(LIMITS), default="generous")
    parser.add_argument("--heartbeat-interval", type=float, default=41.25, metavar="SECONDS")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input is closed")
    return parser.parse_args()


async def serve(chosen: argparse.Namespace) -> None:
    """Serves until it is told to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if chosen.until_eof:
        await _watch_input(loop, stop)
    settings = GatewaySettings(heartbeat_interval=chosen.heartbeat_interval)
    limits = LIMITS[chosen.limits]()
    server = LoopbackDiscord(
        chosen.guilds, chosen.shards, token=chosen.token, limits=limits, gateway=settings, port=chosen.port
    )
    async with server:
        print(f"{server.port}\n{server.token}", flush=True)
        await stop.wait()


async def _watch_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    class Input(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            stop.set()

    await loop.connect_read_pipe(Input, sys.stdin)


def main() -> None:
    try:
        asyncio.run(serve(arguments()))
    except OSError as error:
        sys.exit(f"the loopback Discord cannot listen: {error}")


if __name__ == "__main__":
    main()
