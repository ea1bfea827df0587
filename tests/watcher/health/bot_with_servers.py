"""A bot's process that uses servers, named as JSON on its command line; it obeys the lines on its stdin."""

import asyncio
import json
import sys
import threading
import time

import whisperwatch
from whisperwatch.bot import checks
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.ship import Ship
from whisperwatch.state import open_state


class Pulse:
    last_turn_ns = 0
    thread_id = threading.get_ident()
    loop = None


pulse = Pulse()


def beat():
    shards = {0: {"up": True, "latency": 0.05, "last_event": time.monotonic_ns()}}
    bots = [{"name": "tested", "ready": True, "closed": False, "shards": shards}]
    return {"bots": bots, "checks": checks.tend(pulse)}


@whisperwatch.health_check("payments", interval_s=0.2)
async def payments():
    return None


async def main():
    pulse.loop = asyncio.get_running_loop()
    for number, (system, arguments) in enumerate(json.loads(sys.argv[1]), 1):
        recorder.definitions.append(("endpoint", number, system, arguments))
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
        time.sleep(float(seconds))  # noqa: ASYNC251 - it is to block the loop
    ship.stop(5)


asyncio.run(main())
