"""`python -m bench`: rounds in turn, medians with the noise that two bare bots show between them.

--rounds N    of each load (30)
--count N     events a round (1000)
--loads a,b   of prefix, slash, reply, ignored
--variants …  names, separated by commas; the two bare ones always run
--json FILE   every figure of every round
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.report import Load, table
from bench.traffic import LOADS
from bench.variants import SCRAPED, VARIANTS, scrape

_ROOT = Path(__file__).resolve().parent.parent


class Worker:
    """One variant's process."""

    def __init__(self, name: str, collector: str, state: str) -> None:
        self.name = name
        self.port = _free_port()
        setting = {"collector": collector, "port": self.port, "state": state}
        self.errors = Path(f"{state}.errors")
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.worker", name, json.dumps(setting)],
                cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self.hear()

    def tell(self, order: dict[str, Any]) -> dict[str, Any]:
        self._write(order)
        answer = self.hear()
        if answer.get("scrape"):
            if self.name in SCRAPED:
                scrape(self.port)
            self._write({})
            answer = self.hear()
        return answer

    def _write(self, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.startswith("{"):
                return dict(json.loads(line))
        raise RuntimeError(f"the process of {self.name!r} ended:\n{self.errors.read_text()[-2000:]}")

    def end(self) -> None:
        self.process.communicate("end\n", timeout=30)


def main() -> int:
    arguments = _arguments()
    names = [
        "bare",
        "bare again",
        *(v for v in VARIANTS if v in arguments.variants and not v.startswith("bare")),
    ]
    with tempfile.TemporaryDirectory() as folder:
        sink = subprocess.Popen(
            [sys.executable, "-m", "bench.sink"], cwd=_ROOT, stdout=subprocess.PIPE, text=True
        )
        assert sink.stdout is not None
        collector = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        workers = [Worker(name, collector, f"{folder}/{number}") for number, name in enumerate(names)]
        try:
            loads = [_measure(load, workers, arguments) for load in arguments.loads]
            commands = sum(load.count * (load.rounds + 1) for load in loads if load.name != "ignored")
            arrived = {worker.name: worker.tell({"arrived": True})["arrived"] for worker in workers}
        finally:
            for worker in workers:
                worker.end()
            sink.kill()
            sink.wait()
    lost = {name: seen for name, seen in arrived.items() if seen is not None and seen != commands}
    for load in loads:
        print(table(load, set(lost)))
    for name, seen in lost.items():
        print(f"disqualified: {name}: of {commands} commands {seen:.0f} arrived")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({load.name: load.figures for load in loads}))
    return 1 if any(name.startswith("Whisperwatch") for name in lost) else 0


def _measure(name: str, workers: list[Worker], arguments: argparse.Namespace) -> Load:
    figures: dict[str, list[dict[str, float]]] = {worker.name: [] for worker in workers}
    order = {"load": name, "count": arguments.count}
    for worker in workers:
        worker.tell(order)  # to warm up
    for number in range(arguments.rounds):
        turn = workers[number % len(workers) :] + workers[: number % len(workers)]
        for worker in turn:
            figures[worker.name].append(worker.tell(order))
        print(f"{name}: round {number + 1} of {arguments.rounds}", end="\r", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return Load(name, arguments.count, arguments.rounds, figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--loads", type=lambda text: text.split(","), default=list(LOADS))
    parser.add_argument("--variants", type=lambda text: text.split(","), default=list(VARIANTS))
    parser.add_argument("--json")
    return parser.parse_args()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
