"""A bot's process whose event loop a test blocks: prints its watcher's URL, then obeys the lines on its stdin."""

import asyncio
import ctypes
import sys
import threading
import time

from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.ship import Ship
from whisperwatch.state import open_state

libc = ctypes.PyDLL(None)
"""Unlike ctypes.CDLL it keeps the GIL while the function runs, as a badly written extension does."""


class Pulse:
    last_turn_ns = 0
    thread_id = threading.get_ident()


def beat():
    shards = {0: {"up": True, "latency": 0.05, "last_event": time.monotonic_ns()}}
    return {"bots": [{"name": "tested", "ready": True, "closed": False, "shards": shards}]}


def read_slowly(seconds):
    time.sleep(seconds)


def compute_in_c(seconds):
    libc.sleep(int(seconds))


async def main():
    pulse = Pulse()
    ship = Ship(recorder, beat=beat, state=open_state(), pulse=pulse)
    ship.start()
    lines = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line.split())

    threading.Thread(target=read, daemon=True).start()
    while not ship.welcome:  # noqa: ASYNC110 - the ship's thread sets it
        await asyncio.sleep(0.01)
    print(ship.welcome["url"], flush=True)
    while True:
        pulse.last_turn_ns = time.monotonic_ns()
        try:
            what, seconds = lines.get_nowait()
        except asyncio.QueueEmpty:
            await asyncio.sleep(0.02)
            continue
        if what == "end":
            break
        globals()[what](float(seconds))
    ship.stop(5)


asyncio.run(main())
