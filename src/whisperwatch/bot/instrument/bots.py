"""What is kept for each watched client: its name, its shards, and the cells of its events, found once."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from whisperwatch import semconv
from whisperwatch.bot.instrument.event_roots import EventCells, EventRoot
from whisperwatch.bot.masking import Recent
from whisperwatch.bot.recording.cells import Cell, Distribution, Value
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root, live_root, root_here

if TYPE_CHECKING:
    import discord

MOST_CELLS = 20_000
"""Of one bot. Views and commands whose classes it makes as it goes, and routes that it puts together itself, have names
without end."""
MOST_EVENTS = 2_000
"""Of one bot: listeners may be added for events that its own code names as it goes. The rest are `other`."""
_OTHER_EVENT = "on_other"


class Shard:
    """One gateway connection, as health and the gauges see it."""

    __slots__ = ("last_event_ns", "number", "socket", "up")

    def __init__(self, number: int) -> None:
        self.number = number
        self.up = False
        self.last_event_ns = 0
        self.socket: Any = None


class Bot:
    """One watched client. Reached from the client by an attribute; holds it weakly."""

    def __init__(self, client: discord.Client, name: str | None = None) -> None:
        self.client = weakref.ref(client)
        self.chosen_name = name
        self.shards: dict[int, Shard] = {}
        self.events: dict[str, EventCells] = {}
        self.cells: dict[Any, Any] = {}
        """Of commands, listeners, tasks and routes, by what their modules key them with."""
        self.invalid_requests: deque[int] = deque(maxlen=20_000)
        """When Discord answered 401, 403 or an unshared 429, in monotonic nanoseconds."""
        self.identifies_until_ns = 0
        """When Discord begins to count them anew (monotonic ns); 0 where it hasn't told how many are left."""
        self.recent = Recent()
        self._unnamed: list[Callable[[], None]] = []
        # while a gateway event is being parsed:
        self.receiving: Shard | None = None
        self.root: EventRoot | None = None

    @property
    def name(self) -> str:
        """The name in `bot.name`; `unknown` until Discord has told who the bot is."""
        return self.known_name or "unknown"

    @property
    def known_name(self) -> str | None:
        if self.chosen_name:
            return self.chosen_name
        client = self.client()
        user = None if client is None else client.user
        return None if user is None else user.name

    def when_named(self, record: Callable[[], None]) -> None:
        """Run `record` now, or as soon as the bot's name is known."""
        if self.known_name is not None:
            record()
        elif len(self._unnamed) < 1000:
            self._unnamed.append(record)

    def named(self) -> None:
        """The name is known: record what waited for it."""
        waiting, self._unnamed = self._unnamed, []
        for record in waiting:
            record()

    def renamed(self, name: str) -> Bot:
        """The same bot under another name: what is kept under the old one is found anew."""
        bot = Bot(self.client(), name)  # type: ignore[arg-type]
        bot.shards, bot.invalid_requests, bot._unnamed = self.shards, self.invalid_requests, self._unnamed
        bot.recent = self.recent
        return bot

    def event_cells(self, event_name: str) -> EventCells:
        """The cells of an event; `event_name` is discord.py's, with its `on_`."""
        cells = self.events.get(event_name)
        if cells is None:
            if len(self.events) >= MOST_EVENTS and event_name != _OTHER_EVENT:
                return self.event_cells(_OTHER_EVENT)
            cells = self.events[event_name] = EventCells(self.name, event_name.removeprefix("on_"))
        return cells

    def counted(self, metric: semconv.Metric, *values: str) -> Value:
        """The cell of a counter or a gauge of this bot; `values` are those of its attributes after `bot.name`."""
        cell = self._cell(metric, values)
        assert isinstance(cell, Value)
        return cell

    def timed(self, metric: semconv.Metric, *values: str) -> Distribution:
        """The cell of a histogram; `values` as for `counted`."""
        cell = self._cell(metric, values)
        assert isinstance(cell, Distribution)
        return cell

    def _cell(self, metric: semconv.Metric, values: tuple[str, ...]) -> Cell:
        key = (metric.name, values)
        cell: Cell | None = self.cells.get(key)
        if cell is None:
            attributes = dict(zip(metric.attributes, (self.name, *values), strict=True))
            cell = recorder.instrument(metric).find(attributes)
            if len(self.cells) < MOST_CELLS and self.known_name is not None:
                self.cells[key] = cell
        return cell

    def parse_root(self, event_name: str, args: tuple[Any, ...]) -> EventRoot:
        """The root of the gateway event that is being parsed, held until the parsing is over."""
        root = self.root
        if root is None:
            shard = self.receiving
            assert shard is not None
            cells = self.events.get(event_name) or self.event_cells(event_name)
            root = self.root = EventRoot(self, cells, args[0] if args else None, shard.number)
            root.pending = 1
            root.begin(shard.last_event_ns)  # after it is the bot's: who is asked may raise
        elif root.subject is None and args:
            root.subject = args[0]
        if len(args) > 1 and not root.others:
            root.others = args[1:]
        return root

    def event_root(self, event_name: str, args: tuple[Any, ...]) -> tuple[Root, bool]:
        """The root for a dispatched event, and whether what runs under it must enter it first."""
        if self.receiving is not None:
            return self.parse_root(event_name, args), True
        root = live_root()
        if root is not None:
            return root, False
        begun = EventRoot(self, self.event_cells(event_name), args[0] if args else None, None)
        begun.others = args[1:]
        begun.begin(0)
        return begun, True


bots: weakref.WeakSet[Any] = weakref.WeakSet()
"""Every watched client of this process."""


def bot_of(client: discord.Client, name: str | None = None) -> Bot:
    """The `Bot` of a client, made on first sight."""
    try:
        bot: Bot = client._whisperwatch  # type: ignore[attr-defined]
    except AttributeError:
        bot = Bot(client, name)
        client._whisperwatch = client.http._whisperwatch = bot  # type: ignore[attr-defined]
        bots.add(client)
        return bot
    if name and name != bot.chosen_name:
        bot = client._whisperwatch = client.http._whisperwatch = bot.renamed(name)  # type: ignore[attr-defined]
    return bot


def bot_of_http(http: Any) -> Bot | None:
    """The `Bot` whose HTTP client this is."""
    bot: Bot | None = getattr(http, "_whisperwatch", None)
    return bot


def any_bot(owner: Any = None) -> Bot | None:
    """The bot that `owner` (a cog, a client, an object with `.bot` or `.client`) belongs to; else the one for which
    the current task works; else the only one that there is."""
    if owner is not None:
        for candidate in (owner, getattr(owner, "bot", None), getattr(owner, "client", None)):
            found = getattr(candidate, "_whisperwatch", None)
            if isinstance(found, Bot):
                return found
    bot: Bot | None = getattr(root_here(), "bot", None) or current_bot.get()
    if bot is not None:
        return bot
    running = [client for client in list(bots) if not client.is_closed()]
    return bot_of(running[0]) if len(running) == 1 else None


def name_of_bot(root: Any = None) -> str:
    """What `bot.name` says of work under this root, or of the current task's; `unknown` where that can't be told."""
    bot = getattr(root, "bot", None) or any_bot()
    return "unknown" if bot is None else bot.name


current_bot: ContextVar[Bot | None] = ContextVar("whisperwatch_bot", default=None)
"""The bot that is being set up."""


def forget_all() -> None:
    """Take back what was put on clients, at `uninstrument()`."""
    for client in list(bots):
        for owner in (client, client.http):
            if hasattr(owner, "_whisperwatch"):
                del owner._whisperwatch
        bots.discard(client)
