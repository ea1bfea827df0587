"""One process of a bot, as the watcher knows it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from whisperwatch.watcher.departure import Process
from whisperwatch.watcher.instances import Place
from whisperwatch.watcher.records import Stream
from whisperwatch.watcher.stack import Frame


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a bot's process: when (unix seconds), why, and whether it had said goodbye."""

    unix: float
    reason: str
    orderly: bool


@dataclass(slots=True, eq=False)
class Source:
    """One process of a bot, from its hello on.

    Attributes:
        process: how its end is found out.
        place: the instance id, the slot and the restarts that were assigned to it.
        hello: what it said of itself.
        stream: what it has recorded.
        connected: whether its tape is connected. A process can live on without, and comes back then.
        connected_ns: when it said hello (monotonic).
        beat: its newest BEAT.
        beat_received_ns: when that came (monotonic); the hello's time before the first.
        ended: how it ended, once it has.
        holder: frames of the thread that holds the GIL while no beat comes, innermost last, once they were read.
        unreadable: why they can't be read, a clause; None while that isn't known, and where they were.
    """

    process: Process
    place: Place
    hello: Mapping[str, Any]
    stream: Stream
    connected: bool = True
    connected_ns: int = field(default_factory=time.monotonic_ns)
    beat: Mapping[str, Any] | None = None
    beat_received_ns: int = field(default_factory=time.monotonic_ns)
    ended: Ended | None = None
    holder: tuple[Frame, ...] | None = None
    unreadable: str | None = None
    disconnected_ns: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def instance(self) -> str:
        return self.place.instance

    @property
    def slot(self) -> int:
        return self.place.slot

    @property
    def restarts(self) -> int:
        return self.place.restarts

    def hear(self, beat: Mapping[str, Any]) -> None:
        """Take a beat."""
        self.beat = beat
        self.beat_received_ns = time.monotonic_ns()
        self.holder = self.unreadable = None
