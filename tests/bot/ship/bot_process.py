"""A process with a ship, led by a test: it executes the lines of code that come on its stdin, and answers each."""

import asyncio  # noqa: F401 - for the code that comes
import json
import os
import sys
import threading
import time

from whisperwatch import semconv
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.ship import Options, Ship, launch
from whisperwatch.state import open_state


class Pulse:
    last_turn_ns = 0
    thread_id = threading.get_ident()


pulse = Pulse()
logged = []
blocked = []
welcomes = []
recorded = 0
emitting = threading.Event()
turning = threading.Event()


def make_ship(**options):
    environment = Options.from_environment()
    made = Options(**{**{name: getattr(environment, name) for name in Options.__slots__}, **options})
    return Ship(
        recorder,
        beat=lambda: {"bots": []},
        about=lambda: {"bots": ["tested"], "settings": dict(launch.code)},
        state=open_state(),
        options=made,
        pulse=pulse,
        on_welcome=welcomes.append,
        on_blocked=lambda frames, seconds: blocked.append((frames, seconds)),
    )


def record(times=1):
    """Spans numbered from 1 in one attribute, and a counter of them."""
    global recorded
    counter = recorder.instrument(semconv.GATEWAY_CONNECTS).find(
        {semconv.BOT_NAME: "tested", semconv.SHARD: 0}
    )
    for _ in range(times):
        recorded += 1
        counter.add(1)
        now = time.monotonic_ns()
        own, scope = {"number": recorded}, recorder.scope
        span = (
            1 << 100 | recorded,
            recorded,
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
            scope,
            None,
        )
        recorder.span_ended(span)


def emit_for_ever():
    while emitting.wait():
        record()
        time.sleep(0.001)


def turn_for_ever():
    while turning.wait():
        pulse.last_turn_ns = time.monotonic_ns()
        time.sleep(0.02)


def descriptors():
    """What this process has open beside its stdio."""
    paths = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd") if int(number) > 2]
    return [os.readlink(path) for path in paths if os.path.lexists(path)]


def until(condition, within_s=20.0):
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def main():
    import logging

    class Keeping(logging.Handler):
        def emit(self, entry):
            logged.append(entry.getMessage())

    logging.getLogger().addHandler(Keeping())
    logging.getLogger("whisperwatch").setLevel(logging.INFO)
    names = globals()
    for work in (emit_for_ever, turn_for_ever):
        threading.Thread(target=work, daemon=True).start()
    for line in sys.stdin:
        code = json.loads(line)
        try:
            try:
                answer = eval(code, names)
            except SyntaxError:
                exec(code, names)
                answer = None
            print(json.dumps({"answer": answer}, default=str), flush=True)
        except Exception as error:
            print(json.dumps({"error": repr(error)}), flush=True)


if __name__ == "__main__":
    main()
