"""`python -m bench`: rounds in turn, medians with the noise that two bare bots show between them.

--rounds N    of each load (30)
--count N     events a round (1000; of `companion` a fifth)
--loads a,b   of prefix, slash, reply, logged, ignored, companion
--variants …  names, separated by commas; the two bare ones always run
--json FILE   every figure of every round
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.report import Load, table
from bench.traffic import LOADS
from bench.variants import SCRAPED, VARIANTS, Setting, scrape, takes_part
from whisperwatch.demo.backends.ports import free_port

_ROOT = Path(__file__).resolve().parent.parent
_WHOLE = {
    "Whisperwatch with traces": "message(command(chat postgresql redis redis))",
    "contrib on the SDK": "command(chat postgresql postgresql redis redis)",
}
"""What each trace of `companion` looks like. Contrib makes a span of the pool's reset of a connection, too."""


class Worker:
    """One variant's process, started by `command`, which gets its name and its setting."""

    def __init__(
        self,
        name: str,
        collector: str,
        state: str,
        command: tuple[str, ...] = (sys.executable, "-m", "bench.worker"),
    ) -> None:
        self.name = name
        self.setting = Setting(collector, free_port(), state)
        self.commands = self.companions = self.logged = 0
        self.errors = Path(f"{state}.errors")
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [*command, name, json.dumps(asdict(self.setting))],
                cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self.hear()

    def run(self, load: str, count: int) -> dict[str, Any]:
        """A round."""
        self.commands += count if load != "ignored" else 0
        self.companions += count if load == "companion" else 0
        self.logged += count if load == "logged" else 0
        return self.tell({"load": load, "count": count})

    def lost(self) -> str:
        """What did not arrive, if anything."""
        arrived = self.tell({"arrived": True})["arrived"]
        if arrived is not None and arrived != self.commands:
            return f"of {self.commands} commands {arrived:.0f} arrived"
        if self.logged and not self.name.startswith("bare"):
            address = f"{self.setting.collector}/logged?who={self.setting.service}"
            with urllib.request.urlopen(address, timeout=30) as response:
                logged = int(response.read())
            if logged != self.logged:
                return f"of {self.logged} log records {logged} arrived"
        if self.companions and (wanted := _WHOLE.get(self.name)):
            address = f"{self.setting.collector}/shapes?who={self.setting.service}"
            with urllib.request.urlopen(address, timeout=30) as response:
                shapes = json.loads(response.read())
            if shapes.get(wanted) != self.companions:
                return f"of {self.companions} traces {wanted} there are {shapes}"
        return ""

    def tell(self, order: dict[str, Any]) -> dict[str, Any]:
        self._write(order)
        answer = self.hear()
        if answer.get("scrape"):
            if self.name in SCRAPED:
                scrape(self.setting.port)
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
    names = [name for name in names if any(takes_part(name, load) for load in arguments.loads)]
    with (
        tempfile.TemporaryDirectory() as folder,
        _sink() as collector,
        _servers("companion" in arguments.loads),
    ):
        workers = [Worker(name, collector, f"{folder}/{number}") for number, name in enumerate(names)]
        try:
            loads = [_measure(load, workers, arguments) for load in arguments.loads]
            lost = {worker.name: said for worker in workers if (said := worker.lost())}
        finally:
            for worker in workers:
                worker.end()
    for load in loads:
        print(table(load, set(lost)))
    for name, said in lost.items():
        print(f"disqualified: {name}: {said}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({load.name: load.figures for load in loads}))
    return 1 if any(name.startswith("Whisperwatch") for name in lost) else 0


@contextmanager
def _sink() -> Iterator[str]:
    """The collector's address, while it runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.sink"], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    ) as sink:
        assert sink.stdout is not None
        yield f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        sink.kill()


@contextmanager
def _servers(wanted: bool) -> Iterator[None]:
    """What `companion` calls, while it runs; the workers inherit where it is."""
    if not wanted:
        yield
        return
    with subprocess.Popen(
        [sys.executable, "-m", "bench.companion"],
        cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as servers:  # fmt: skip
        assert servers.stdout is not None
        os.environ |= json.loads(servers.stdout.readline())
        yield


def _measure(load: str, everybody: list[Worker], arguments: argparse.Namespace) -> Load:
    workers = [worker for worker in everybody if takes_part(worker.name, load)]
    figures: dict[str, list[dict[str, float]]] = {worker.name: [] for worker in workers}
    count = arguments.count // 5 if load == "companion" else arguments.count
    for worker in workers:
        worker.run(load, count)  # to warm up
    for number in range(arguments.rounds):
        turn = workers[number % len(workers) :] + workers[: number % len(workers)]
        for worker in turn:
            figures[worker.name].append(worker.run(load, count))
        print(f"{load}: round {number + 1} of {arguments.rounds}", end="\r", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return Load(load, count, arguments.rounds, figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--loads", type=lambda text: text.split(","), default=list(LOADS))
    parser.add_argument("--variants", type=lambda text: text.split(","), default=list(VARIANTS))
    parser.add_argument("--json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
