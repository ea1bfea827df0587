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
        else:
            _say(await _round(watcher, order["load"], order["count"]))
    await watcher.traffic.bot.close()


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


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
