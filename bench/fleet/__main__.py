"""A fleet of synthetic bots through one real collector to Prometheus and Loki: does what a shard costs stay the same?

    python -m bench.fleet [--instances 1,4,16,63] [--messages 40000] [--guilds 100] [--picture FILE] [--programs FOLDER]

Each instance has 16 shards, the last one what is missing to a thousand. All runs have the same number of messages and
events, spread over fewer or more instances: so what is different is the fleet. Times are those of the past hours, sent
as fast as it goes. The machine may be busy: what counts is the processor's time that each program itself has used.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.stack.programs import folder

from bench.fleet.instance import Instance, Spent
from bench.fleet.report import Run, million, picture, table
from bench.fleet.servers import Servers

SHARDS: Final = 16
MOST_SHARDS: Final = 1000
_EVERY_S: Final = 15.0
_MESSAGES, _EVENTS = 2, 20
"""Of a shard in each interval; a quiet fleet has no messages."""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each fleet, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--instances", default="1,4,16,63")
    parser.add_argument("--messages", type=int, default=40_000, help="of each run, about")
    parser.add_argument("--guilds", type=int, default=100, help="of each shard")
    parser.add_argument("--picture", type=Path, default=None)
    parser.add_argument("--programs", type=Path, default=None)
    wish = parser.parse_args(argv)
    programs = wish.programs or folder()
    if programs is None:
        raise SystemExit("the stack's programs are not built: make stack-tools")
    counts = [int(count) for count in wish.instances.split(",")]
    runs = [run(programs, count, wish.guilds, wish.messages) for count in counts]
    print(table(runs), end="\n\n", flush=True)
    if wish.picture is not None:
        picture(runs, wish.picture)
    quiet = run(programs, counts[-1], wish.guilds, wish.messages, quiet=True)
    print(million(runs, quiet))


def run(programs: Path, instances: int, guilds: int, messages: int, *, quiet: bool = False) -> Run:
    """One fleet, with servers of its own; `quiet` lasts as long without its messages."""
    shards = min(instances * SHARDS, MOST_SHARDS)
    each = 0 if quiet else _MESSAGES
    turns = max(2, round(messages / shards / _MESSAGES))
    with tempfile.TemporaryDirectory() as data:
        servers = Servers(programs, Path(data))
        try:
            end = time.time()

            def started() -> None:
                _collect_less()
                servers.begin()

            spent = live(instances, shards, guilds, turns, end, servers.post, each, started)
            servers.settle()
            cpu_s, memory = servers.cpu_s(), servers.memory_bytes()
            happened = shards * turns * each, shards * turns * _EVENTS
            return Run(
                instances, shards, shards * guilds, *happened, turns, _EVERY_S, spent, cpu_s,
                servers.series(), servers.bytes_kept(logged=not quiet), memory,
            )  # fmt: skip
        finally:
            servers.stop()


def live(
    instances: int, shards: int, guilds: int, turns: int, end: float, post: Callable[[str, bytes], object],
    messages: int = _MESSAGES, started: Callable[[], None] = lambda: None,
) -> Spent:  # fmt: skip
    """Have a fleet live through so many intervals, the last of which ends at `end`; what it cost its own side.

    The one before them, in which everything is new, doesn't count: `started` is called after it.
    """
    spent, began = Spent(), end - (turns + 1) * _EVERY_S
    fleet = [
        Instance(number, range(number * SHARDS, min((number + 1) * SHARDS, shards)), guilds, began, spent)
        for number in range(instances)
    ]
    offsets = [random.Random(number).uniform(0, 1) for number in range(instances)]
    for turn in range(turns + 1):
        for instance, offset in zip(fleet, offsets, strict=True):
            at = began + (turn + 1) * _EVERY_S - offset
            for signal, packed in instance.turn(at, messages, _EVENTS):
                post(signal, packed)
        if turn == 0:
            spent.clear()
            started()
    return spent


def _collect_less() -> None:
    """As each watcher does: what there is from the start is not looked at again and again."""
    gc.unfreeze()  # those of the last run
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


if __name__ == "__main__":
    main()
