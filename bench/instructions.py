"""What watching costs in instructions of the processor: figures that no other work on the machine disturbs.

    python -m bench.instructions [--loads prefix,reply] [--variants …] [--count N]

Each variant's process runs under valgrind's callgrind (install `valgrind`), which counts what one round of events
executes, flushing included. Two runs differ by less than a hundredth, so a change of the hot path shows at once; what
it costs in time depends on the processor's caches too: `python -m bench` tells. The watcher's process isn't counted.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import worker
from bench.__main__ import Worker, _sink
from bench.traffic import LOADS
from bench.variants import VARIANTS

_DEFAULT = (
    "bare", "argus-dpy", "discord-ext-prometheus", "Whisperwatch without traces", "Whisperwatch with traces",
)  # fmt: skip
_WARM = 300
_FOREVER_S = 1e5


class Counted(Worker):
    """A variant's process under callgrind."""

    def __init__(self, name: str, collector: str, state: str) -> None:
        self.out = Path(f"{state}.callgrind")
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={self.out}"]
        super().__init__(
            name, collector, state, (*valgrind, sys.executable, "-m", "bench.instructions", "--run")
        )

    def instructions(self, load: str, count: int) -> float:
        """Of one event, the making of its text included."""
        self._control("--instr=on")
        self.run(load, _WARM)
        self._control("--zero")
        self.run(load, count)
        self._control(f"--dump={load}")
        self._control("--instr=off")
        newest = max(self.out.parent.glob(f"{self.out.name}.*"), key=lambda path: int(path.suffix[1:]))
        found = re.search(r"^(?:totals|summary): (\d+)", newest.read_text(), re.MULTILINE)
        assert found is not None, newest
        return int(found[1]) / count

    def _control(self, order: str) -> None:
        done = subprocess.run(
            ["callgrind_control", order, str(self.process.pid)], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"callgrind_control {order} failed: {done.stdout}{done.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.instructions")
    parser.add_argument(
        "--loads", type=lambda text: text.split(","), default=["prefix", "slash", "reply", "ignored"]
    )
    parser.add_argument("--variants", type=lambda text: text.split(","), default=list(_DEFAULT))
    parser.add_argument("--count", type=int, default=500)
    arguments = parser.parse_args()
    if unknown := {*arguments.loads} - {*LOADS} | {*arguments.variants} - VARIANTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if shutil.which("callgrind_control") is None:
        parser.error("valgrind is not installed")
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, _sink() as collector:
        for number, name in enumerate(dict.fromkeys(["bare", *arguments.variants])):
            counted = Counted(name, collector, f"{folder}/{number}")
            try:
                figures[name] = {
                    load: counted.instructions(load, arguments.count) for load in arguments.loads
                }
            finally:
                counted.end()
    print(table(arguments.loads, figures))
    return 0


def table(loads: list[str], figures: dict[str, dict[str, float]]) -> str:
    """A Markdown table: thousands of instructions an event more than the bare bot's, and their share of argus-dpy's."""
    lines = [f"| added, thousands an event | {' | '.join(loads)} |", "| --- |" + " --- |" * len(loads)]
    beside = figures.get("argus-dpy")
    for name, of_loads in figures.items():
        if name == "bare":
            continue
        cells = []
        for load in loads:
            added = of_loads[load] - figures["bare"][load]
            share = f", {added / (beside[load] - figures['bare'][load]):.2f} of argus-dpy" if beside else ""
            cells.append(f"{added / 1000:.1f}{share}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _run() -> None:
    """In the variant's process: under callgrind a second is a minute long, so nothing is done by the clock."""
    if sys.argv[1].startswith("Whisperwatch"):
        threading.Thread(target=_stop_clocks, daemon=True).start()
    worker.main()


def _stop_clocks() -> None:
    from whisperwatch.bot import voyage
    from whisperwatch.bot.instrument import runtime
    from whisperwatch.bot.ship import ship

    while voyage._ship is None or voyage._ship.welcome is None:
        time.sleep(0.1)
    for module, name in ((ship, "_TICK_S"), (ship, "_SLOW_TICK_S"), (runtime, "INTERVAL_S")):
        setattr(module, name, _FOREVER_S)
    voyage._ship.welcome["settings"]["collection_interval_s"] = _FOREVER_S


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        del sys.argv[1]
        _run()
    else:
        raise SystemExit(main())
