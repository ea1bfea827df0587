from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from whisperwatch.watcher.health.report import Now
from whisperwatch.watcher.records import Cell, Instrument, Records, Scope

Frames = tuple[tuple[str, int, str], ...]


@dataclass
class KnownEnd:
    unix: float
    reason: str
    orderly: bool = False


@dataclass
class KnownSource:
    """What is known of a bot's process; times are seconds before `clock`'s now."""

    pid: int = 4242
    slot: int = 0
    connected: bool = True
    connected_ns: int = 0
    beat: Mapping[str, Any] | None = None
    beat_received_ns: int = 0
    holder: Frames | None = None
    unreadable: str | None = None
    ended: KnownEnd | None = None
    stream: Records = field(default_factory=lambda: Records({}))


@dataclass
class Clock:
    """Both clocks, moved by hand."""

    monotonic: float = 1_000.0
    unix: float = 1_700_000_000.0

    def __call__(self) -> Now:
        return Now(int(self.monotonic * 1e9), self.unix)

    def pass_(self, seconds: float) -> None:
        self.monotonic += seconds
        self.unix += seconds

    def ns(self, ago: float = 0.0) -> int:
        return int((self.monotonic - ago) * 1e9)


@dataclass
class World:
    clock: Clock = field(default_factory=Clock)

    def beat(
        self,
        loop_ago: float | None = 0.02,
        frames: Frames | None = None,
        shards: Mapping[int, bool] | None = None,
        heard_ago: float = 1.0,
    ) -> dict[str, Any]:
        up = {0: True} if shards is None else shards
        return {
            "sent": self.clock.ns(),
            "loop": None if loop_ago is None else (self.clock.ns(loop_ago), frames),
            "bots": [
                {
                    "name": "companion",
                    "ready": all(up.values()),
                    "closed": False,
                    "shards": {
                        n: {"up": is_up, "latency": 0.1, "last_event": self.clock.ns(heard_ago)}
                        for n, is_up in up.items()
                    },
                }
            ],
            "tape": {"waiting": 0, "dropped": 0},
        }

    def source(self, **known: Any) -> KnownSource:
        known.setdefault("beat", self.beat())
        known.setdefault("connected_ns", self.clock.ns(60))
        known.setdefault("beat_received_ns", self.clock.ns())
        return KnownSource(**known)

    def ended(
        self, reason: str = "killed by signal 9 (SIGKILL)", ago: float = 5.0, orderly: bool = False
    ) -> KnownEnd:
        return KnownEnd(self.clock.unix - ago, reason, orderly)


@pytest.fixture
def world() -> World:
    return World()


BOUNDS = (0.1, 0.5, 1.5, 10.5, 60.5)


class Figures(Records):
    """A stream of cells. `born` is when its cells begin, in unix seconds."""

    def __init__(self, born: float) -> None:
        super().__init__({})
        self.born = born
        self._instruments: dict[str, Instrument] = {}

    @property
    def instruments(self) -> list[Instrument]:
        return list(self._instruments.values())

    def cell(self, metric: str, kind: str, attributes: Mapping[str, Any]) -> Cell:
        bounds = BOUNDS if kind == "histogram" else ()
        instrument = self._instruments.setdefault(
            metric, Instrument(Scope("x"), metric, kind, "", "", bounds)
        )
        for cell in instrument.cells:
            if cell.attributes == attributes:
                return cell
        self.defined += 1
        instrument.cells.append(Cell(dict(attributes), int(self.born * 1e9)))
        return instrument.cells[-1]

    def set(self, metric: str, value: float, **attributes: Any) -> None:
        """A gauge; `__` in a name stands for a dot."""
        self.cell(metric, "gauge", _dotted(attributes)).value = (value,)

    def count(self, metric: str, number: int = 1, **attributes: Any) -> None:
        """A counter goes up."""
        cell = self.cell(metric, "counter", _dotted(attributes))
        cell.value = ((cell.value or (0,))[0] + number,)

    def record(self, metric: str, seconds: float, times: int = 1, **attributes: Any) -> None:
        """A histogram takes a duration, so many times."""
        cell = self.cell(metric, "histogram", _dotted(attributes))
        count, total, _, _, buckets = cell.value or (0, 0.0, None, None, (0,) * (len(BOUNDS) + 1))
        n = bisect_left(BOUNDS, seconds)
        grown = (*buckets[:n], buckets[n] + times, *buckets[n + 1 :])
        cell.value = (count + times, total + times * seconds, None, None, grown)


def _dotted(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in attributes.items()}


@pytest.fixture
def figures() -> type[Figures]:
    return Figures
