"""One variant's process: told of rounds on standard input, tells their cost on standard output, a JSON line each."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any

from bench.variants import VARIANTS, Setting, Watcher


def main() -> None:
    asyncio.run(_serve(sys.argv[1], Setting(**json.loads(sys.argv[2]))))


async def _serve(name: str, setting: Setting) -> None:
    watcher = VARIANTS[name](setting)
    await watcher.traffic.connect()
    _say({"ready": name})
    loop = asyncio.get_running_loop()
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line or line == "end\n":
            break
        order = json.loads(line)
        if order.get("arrived"):
            _say({"arrived": await loop.run_in_executor(None, watcher.arrived)})
        elif seconds := order.get("latency"):
            _say(await _lateness(watcher, seconds, order["commands"]))
        else:
            _say(await _round(watcher, order["load"], order["count"]))
    await watcher.traffic.close()


async def _round(watcher: Watcher, load: str, count: int) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    texts = watcher.traffic.prepare(load, count)
    gc.collect()
    child = await loop.run_in_executor(None, watcher.child_cpu)
    start = time.process_time()
    await watcher.traffic.feed(texts, load)
    fed = time.process_time()
    await loop.run_in_executor(None, watcher.flush)
    _say({"scrape": True})
    await loop.run_in_executor(None, sys.stdin.readline)
    end = time.process_time()
    return {
        "cpu": end - start,
        "loop": fed - start,
        "child": await loop.run_in_executor(None, watcher.child_cpu) - child,
    }


async def _lateness(watcher: Watcher, seconds: float, commands: int) -> dict[str, float]:
    """How late a timer of 1 ms is, in ms, while this many commands come in a second."""
    texts = iter(watcher.traffic.prepare("prefix", int(seconds * commands)))
    late = []
    now = time.perf_counter
    due = next_command = now()
    end = due + seconds
    while due < end:
        due = now() + 0.001
        await asyncio.sleep(0.001)
        late.append((now() - due) * 1000)
        while next_command <= now() and (text := next(texts, None)):
            next_command += 1 / commands
            await watcher.traffic.ws.received_message(text)
    late.sort()
    quantiles = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    return {name: late[int(len(late) * share)] for name, share in quantiles.items()} | {"samples": len(late)}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
