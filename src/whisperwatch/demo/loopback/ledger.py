"""What truly happened: every event sent, request answered, message and interaction, counted as it happens.

The demo's `--check` and the tests compare these numbers with what a bot's monitoring has recorded. Counts are exact
for ever; the single entries are kept up to `kept` of each kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from whisperwatch.demo.loopback.wire import JSON

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.interactions import Interaction
    from whisperwatch.demo.loopback.messages import Message


@dataclass(frozen=True, slots=True)
class Event:
    """A gateway event that was written to a bot's websocket. `at` is seconds since 1970."""

    at: float
    shard: int
    session: str
    type: str
    sequence: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A REST request. `route` is the template below /api/v10, `duration` seconds from receipt to the answer's end.

    `status` is 0 where the connection was reset. `scope` is set on a 429: user, shared, global or cloudflare.
    """

    at: float
    method: str
    route: str
    path: str
    status: int
    duration: float
    scope: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Something that happened to a shard's connection.

    `what`: identify, ready, resume, resumed, heartbeat, unacknowledged (a heartbeat left without ACK), invalid_session,
    reconnect, closed (by the server) or left (by the bot). `code` is the close code, None for a cut.
    """

    at: float
    shard: int
    session: str
    what: str
    code: int | None = None


class Ledger:
    """The record of a loopback Discord."""

    def __init__(self, kept: int = 100_000) -> None:
        self.events: deque[Event] = deque(maxlen=kept)
        self.requests: deque[Request] = deque(maxlen=kept)
        self.connections: deque[Connection] = deque(maxlen=kept)
        self.messages: deque[Message] = deque(maxlen=kept)
        self.interactions: deque[Interaction] = deque(maxlen=kept)
        self.event_counts: Counter[tuple[int, str]] = Counter()
        """Events sent, by shard and type."""
        self.withheld_counts: Counter[tuple[int, str]] = Counter()
        """Events that were not sent when they happened, for a fault or a lost connection, by shard and type."""
        self.lost_counts: Counter[tuple[int, str]] = Counter()
        """Events that were sent, but that the bot said at its RESUME it had not got, by shard and type."""
        self.request_counts: Counter[tuple[str, str, int]] = Counter()
        """REST requests, by method, route template and status."""
        self.scope_counts: Counter[str] = Counter()
        """429s, by scope."""
        self.connection_counts: Counter[tuple[int, str]] = Counter()
        """What happened to connections, by shard and what."""
        self.close_counts: Counter[tuple[int, str, int | None]] = Counter()
        """Connections that ended, by shard, who ended it (closed: the server, left: the bot), code (None: cut)."""
        self.message_counts: Counter[str] = Counter()
        """Messages by author: `bot` or `people`."""
        self.interaction_counts: Counter[tuple[str, str]] = Counter()
        """Interactions by kind (slash, context_menu, autocomplete, component, modal) and name."""
        self._changed = asyncio.Event()

    # --- what the server writes ---

    def event(self, shard: int, session: str, type: str, sequence: int, *, replayed: bool = False) -> None:
        self.events.append(Event(time.time(), shard, session, type, sequence, replayed))
        self.event_counts[shard, type] += 1
        self.touch()

    def withheld(self, shard: int, type: str) -> None:
        self.withheld_counts[shard, type] += 1

    def lost(self, shard: int, type: str) -> None:
        self.lost_counts[shard, type] += 1

    def request(self, entry: Request) -> None:
        self.requests.append(entry)
        self.request_counts[entry.method, entry.route, entry.status] += 1
        if entry.scope is not None:
            self.scope_counts[entry.scope] += 1
        self.touch()

    def connection(self, shard: int, session: str, what: str, code: int | None = None) -> None:
        self.connections.append(Connection(time.time(), shard, session, what, code))
        self.connection_counts[shard, what] += 1
        if what in ("closed", "left"):
            self.close_counts[shard, what, code] += 1
        self.touch()

    def message(self, message: Message) -> None:
        self.messages.append(message)
        self.message_counts["bot" if message.author.bot else "people"] += 1
        self.touch()

    def interaction(self, interaction: Interaction) -> None:
        self.interactions.append(interaction)
        self.interaction_counts[interaction.kind, interaction.name] += 1
        self.touch()

    def touch(self) -> None:
        """Wakes those who wait for a change."""
        self._changed.set()

    # --- what readers ask ---

    def sent(self, type: str | None = None, shard: int | None = None) -> int:
        """How many events were sent, of one type or all, to one shard or all."""
        return _sum(self.event_counts, type, shard)

    def received(self, type: str | None = None, shard: int | None = None) -> int:
        """How many events the bot got, as far as the server can know: `sent` without those lost on the way."""
        return self.sent(type, shard) - _sum(self.lost_counts, type, shard)

    def requested(
        self, route: str | None = None, method: str | None = None, status: int | None = None
    ) -> int:
        """How many REST requests there were, of what is given."""
        return sum(
            count
            for (how, template, code), count in self.request_counts.items()
            if route in (None, template) and method in (None, how) and status in (None, code)
        )

    def connected(self, what: str, shard: int | None = None) -> int:
        """How often a thing (`ready`, `resumed`, `closed`, … see Connection) happened to one shard or to all."""
        return sum(
            count
            for (at, name), count in self.connection_counts.items()
            if name == what and shard in (None, at)
        )

    def answered(self, kind: str | None = None) -> list[Interaction]:
        """The interactions, of one kind or all, that the bot answered in time."""
        return [i for i in self.interactions if kind in (None, i.kind) and i.answered_at is not None]

    async def change(self, timeout: float) -> None:
        """Waits until something is written, at most `timeout` seconds."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            # not `wait_for`, which in Python 3.11 loses a cancellation that comes with a change
            async with asyncio.timeout(timeout):
                await self._changed.wait()

    def payload(self, entries: bool = False) -> JSON:
        """The ledger as JSON: the counts as lists of rows, and with `entries` everything that is kept."""
        data: JSON = {
            "events": _rows(self.event_counts.items()),
            "lost": _rows(self.lost_counts.items()),
            "withheld": _rows(self.withheld_counts.items()),
            "requests": _rows(self.request_counts.items()),
            "ratelimited": dict(self.scope_counts),
            "connections": _rows(self.connection_counts.items()),
            "closes": _rows(self.close_counts.items()),
            "messages": dict(self.message_counts),
            "interactions": _rows(self.interaction_counts.items()),
        }
        if entries:
            data["entries"] = {
                "events": [asdict(entry) for entry in self.events],
                "requests": [asdict(entry) for entry in self.requests],
                "connections": [asdict(entry) for entry in self.connections],
                "messages": [message.payload() for message in self.messages],
                "interactions": [interaction.summary() for interaction in self.interactions],
            }
        return data


def _sum(counts: Counter[tuple[int, str]], type: str | None, shard: int | None) -> int:
    return sum(n for (at, name), n in counts.items() if type in (None, name) and shard in (None, at))


def _rows(items: Iterable[tuple[tuple[Any, ...], int]]) -> list[list[Any]]:
    return [[*key, count] for key, count in items]
