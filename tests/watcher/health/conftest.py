from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from whisperwatch.watcher.health.report import Now

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
    gil_dump: Frames | None = None
    ended: KnownEnd | None = None


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
