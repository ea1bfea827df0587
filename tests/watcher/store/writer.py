"""Writes numbers into a store as quickly as it can, and says each that is on the disk: for tests that kill it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.metrics import Identity, Metrics, Sample, Taken
from whisperwatch.watcher.store.store import Store

START = time.time_ns()
COUNTER = Identity("bot.errors", "counter", "{error}", (), "one", ())


async def main(path: Path) -> None:
    told = 0
    counted: list[Taken] = []

    def count() -> Taken | None:
        return counted.pop() if counted else None

    logs = Logs(lambda: 1e9)
    store = Store(path, (Metrics(count), logs), lambda: 10**9, LocalStream({}))
    await store.open()
    row: tuple[Any, ...]
    while True:
        told += 1
        now = time.time()
        counted.append(Taken(now, (Sample(COUNTER, START, (told,), START),), frozenset({("one", START)})))
        row = (int(now * 1e9), 9, "INFO", "bot", "bot", f"number {told}", "", None, None, "one", "", "{}")
        logs.add([row])
        if await store.write():
            print(told, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
