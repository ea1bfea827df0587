"""Gateway sessions: what a shard identified as, and the events that it may still want to hear after a resume."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whisperwatch.demo.loopback.wire import gateway_text

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.connection import Connection

KEPT_EVENTS = 10_000


@dataclass(slots=True, eq=False)
class Dispatch:
    """An event of a session, as it goes over the websocket; `written` once it has been, on some connection."""

    sequence: int
    type: str
    text: str
    written: bool = False


@dataclass(slots=True, eq=False)
class Session:
    """A gateway session. It outlives its connection until it is invalidated."""

    id: str
    shard: int
    shard_count: int
    intents: int
    large_threshold: int = 50
    sequence: int = 0
    greeting: int = 0
    """The sequence number of the last of READY and the first GUILD_CREATEs."""
    written: int = 0
    """The highest sequence number that was written to a websocket."""
    connection: Connection | None = None
    sent: deque[Dispatch] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))

    @property
    def live(self) -> bool:
        """Whether it is connected, and has been sent READY and its guilds."""
        return self.connection is not None and 0 < self.greeting <= self.written

    def frame(self, event: str, body: str) -> Dispatch:
        """Gives the event its sequence number and keeps it for a replay."""
        self.sequence += 1
        dispatch = Dispatch(self.sequence, event, gateway_text(event, self.sequence, body))
        self.sent.append(dispatch)
        return dispatch

    def can_replay(self, after: int) -> bool:
        """Whether every event after this sequence number is still kept."""
        oldest = self.sent[0].sequence if self.sent else self.sequence + 1
        return oldest - 1 <= after <= self.sequence

    def after(self, sequence: int) -> Iterator[Dispatch]:
        """What a resume replays: earlier resumes are no part of it."""
        return (d for d in tuple(self.sent) if d.sequence > sequence and d.type != "RESUMED")
