"""What watching does to the bot's loop: how late a 1 ms timer is, while commands come and others ask the watcher.

    python -m bench.latency [--seconds N] [--rounds N] [--json FILE]

Three bots take turns, a process each: a bare one, a second bare one (what the two differ by is noise), a watched one
whose collector is dead. While one is measured it gets 500 commands a second, and another process asks for `/metrics`
ten times and for `/health` 500 times a second: the watcher, or, while a bare bot is measured, a server that gives
fixed answers, so that the machine is as busy for all. `--alone` leaves the bare bots alone instead.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.__main__ import Worker

COMMANDS_A_SECOND = 500
HEALTH_A_SECOND = 500
SCRAPES_A_SECOND = 10
QUANTILES = ("p50", "p99", "p99.9")
WATCHED = "Whisperwatch with traces"
NAMES = ("bare", WATCHED, "bare again")
_METRICS = b'a_metric_seconds_bucket{le="0.25",name="a name"} 12345.0\n' * 900


def main() -> int:
    arguments = _arguments()
    if arguments.ask:
        asyncio.run(_ask(arguments.ask, arguments.seconds))
        return 0
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as stand_in:
        server = subprocess.Popen([sys.executable, "-m", "bench.latency", "--serve", str(stand_in.fileno())],
                                  pass_fds=[stand_in.fileno()])  # fmt: skip
        workers = [Worker(name, "http://127.0.0.1:9", f"{folder}/{n}") for n, name in enumerate(NAMES)]
        try:
            for number in range(-1, arguments.rounds):  # the first warms up
                for worker in workers[number % 3 :] + workers[: number % 3]:
                    ask = worker.setting.port if worker.name == WATCHED else stand_in.getsockname()[1]
                    found = _round(worker, ask, arguments)
                    if number >= 0:
                        figures[worker.name].append(found)
                print(f"round {number + 1} of {arguments.rounds}", end="\r", file=sys.stderr, flush=True)
        finally:
            for worker in workers:
                worker.end()
            server.kill()
            server.wait()
    print(_table(figures))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures))
    return 0


def _round(worker: Worker, port: int, arguments: argparse.Namespace) -> dict[str, float]:
    order = {"latency": arguments.seconds, "commands": COMMANDS_A_SECOND}
    if arguments.alone and worker.name != WATCHED:
        return worker.tell(order)
    command = [
        sys.executable,
        "-m",
        "bench.latency",
        "--ask",
        str(port),
        "--seconds",
        str(arguments.seconds + 1),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as asker:
        assert asker.stdout is not None
        asker.stdout.readline()
        return worker.tell(order)


def _table(figures: dict[str, list[dict[str, float]]]) -> str:
    """A Markdown table: medians over the rounds of what the others add to the bare bot, and the middle half."""

    def added(key: str, name: str) -> str:
        pairs = zip(figures[name], figures["bare"], strict=True)
        low, middle, high = statistics.quantiles([one[key] - bare[key] for one, bare in pairs], n=4)
        return f"{middle:+.3f} ({low:+.3f} to {high:+.3f})"

    lines = ["| lateness, ms | bare | second bare adds | watched adds |", "| --- | --- | --- | --- |"]
    for key in QUANTILES:
        bare = statistics.median(one[key] for one in figures["bare"])
        lines.append(f"| {key} | {bare:.3f} | {added(key, 'bare again')} | {added(key, WATCHED)} |")
    return "\n".join(lines)


async def _ask(port: int, seconds: float) -> None:
    """Ask for as long as this, each in its rhythm."""
    print("ready", flush=True)
    async with asyncio.timeout(seconds + 5):
        await asyncio.gather(
            *[_ask_for("/health", port, HEALTH_A_SECOND / 5, seconds) for _ in range(5)],
            _ask_for("/metrics", port, SCRAPES_A_SECOND, seconds),
        )


async def _ask_for(path: str, port: int, a_second: float, seconds: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    due, end = loop.time(), loop.time() + seconds
    while due < end:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        due += 1 / a_second
        await asyncio.sleep(due - loop.time())
    writer.close()


async def _serve(listening: socket.socket) -> None:
    """Answer at once, always the same."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = _METRICS if head.startswith(b"GET /metrics") else b'{"status": "healthy"}'
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(answer, sock=listening) as server:
        await server.serve_forever()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round (5)")
    parser.add_argument("--rounds", type=int, default=20, help="of each bot (20)")
    parser.add_argument("--alone", action="store_true", help="nobody asks while a bare bot is measured")
    parser.add_argument("--json", help="every figure of every round")
    parser.add_argument("--ask", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(_serve(socket.socket(fileno=arguments.serve)))
    return arguments


if __name__ == "__main__":
    sys.exit(main())
