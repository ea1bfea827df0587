"""What is kept for each watched client: its name, its shards, and the cells of its events, found once."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from random import getrandbits
from typing import TYPE_CHECKING, Any

from whisperwatch import semconv
from whisperwatch.bot.instrument.activity import activity
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.recording.cells import Cell, Distribution, Value
from whisperwatch.bot.recording.readable import SAMPLED
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root, live_root, root_here
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

if TYPE_CHECKING:
    import discord

MOST_CELLS = 20_000
"""Of one bot. Views and commands whose classes it makes as it goes, and routes that it puts together itself, have names
without end."""
MOST_EVENTS = 2_000
"""Of one bot: listeners may be added for events that its own code names as it goes. The rest are `other`."""
_OTHER_EVENT = "on_other"
_KIND_CONSUMER = 4
_now = recorder.clock.now


class Shard:
    """One gateway connection, as health and the gauges see it."""

    __slots__ = ("last_event_ns", "number", "socket", "up")

    def __init__(self, number: int) -> None:
        self.number = number
        self.up = False
        self.last_event_ns = 0
        self.socket: Any = None


class EventCells:
    """What an event named `name` is measured by."""

    __slots__ = ("duration", "handled", "ids", "name", "response", "static")

    def __init__(self, bot_name: str, name: str) -> None:
        attributes = {semconv.BOT_NAME: bot_name, semconv.EVENT: name}
        self.name = name
        self.ids = _message_ids if name == "message" else _ids
        self.static = recorder.attribute_set(attributes)
        self.duration = timing(semconv.EVENT_DURATION, attributes)
        self.response = timing(semconv.RESPONSE_TIME, attributes) if name in REPLIABLE else None
        self.handled = counting(semconv.MESSAGES_HANDLED, attributes) if name in REPLIABLE else None


REPLIABLE = frozenset({"message", "interaction"})
"""Events that a user waits for an answer to."""


class EventRoot(Root):
    """The root of an event. What it was about, and its listeners' spans, it keeps until it is known whether anything
    happened under it."""

    kind_number = _KIND_CONSUMER
    held: list[Span] | None = None
    conversation: Any = None
    """The one that it belongs to, where the bot's code said so."""

    def __init__(self, bot: Bot, cells: EventCells, subject: Any, start: int, shard: int | None) -> None:
        self.bot = bot
        self.cells = cells
        self.subject = subject
        self.shard = shard
        self.title = cells.name
        self.static = cells.static
        self.duration = cells.duration
        self.begin(start)

    def hold_back(self, span: Span) -> None:
        """Keep a listener's ended span: it goes where this root goes."""
        if self.exported:  # the bot's own code has ended the root
            Span.deliver(span)
            return
        if self.held is None:
            self.held = []
        self.held.append(span)

    def reply(self, at_ns: int) -> None:
        """A reply that the user can see has reached Discord; `at_ns` is when Discord said so, monotonic."""
        self.touched = self.handled = True
        if not self.replied and self.cells.response is not None:
            self.replied = True
            self.cells.response.record((at_ns - self.start_ns) / 1e9, self)

    def settle(self) -> None:
        if self.handled and self.cells.handled is not None:
            self.cells.handled.add(1)
            failed = bool(self.status_code or (self.trouble is not None and self.trouble.errors))
            activity.turn(self.bot, self.subject, self.start_ns, failed, self.conversation)
        try:
            super().settle()
            if self.held is not None:
                for span in self.held:
                    if self.exported:
                        Span.deliver(span)
                    else:
                        span.withhold()
        finally:
            self.held = None  # the subject stays: what a later task of it logs is masked by it

    def describe(self) -> None:
        try:
            own = self.cells.ids(self.subject)
        except AttributeError:  # somebody dispatched an event of that name with something else
            own = {}
        if self.shard is not None:
            own[semconv.SHARD] = self.shard
        if self.own:
            own.update(self.own)
        self.own = own


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
            root = self.root = _new_root(EventRoot)
            root.bot = self
            root.cells = cells
            root.subject = args[0] if args else None
            root.shard = shard.number
            root.title = cells.name
            root.static = cells.static
            root.duration = cells.duration
            root.start_ns = shard.last_event_ns
            root.trace_id = getrandbits(128)
            root.span_id = getrandbits(64)
            root.pending = 1
            # what is read later, and rarely set: a default of the class costs ten times as much to read
            root.end_ns = root.status_code = 0
            root.ornate = root.touched = root.handled = False
            root.flags = SAMPLED
            root.sampled = True
            root.own = root.trouble = root.held = root.conversation = None
            if tracing.plain:
                root.environment = tracing.environment
            else:
                root.ask()
        elif root.subject is None and args:
            root.subject = args[0]
        return root

    def event_root(self, event_name: str, args: tuple[Any, ...]) -> tuple[Root, bool]:
        """The root for a dispatched event, and whether what runs under it must enter it first."""
        if self.receiving is not None:
            return self.parse_root(event_name, args), True
        root = live_root()
        if root is not None:
            return root, False
        return EventRoot(self, self.event_cells(event_name), args[0] if args else None, 0, None), True


_new_root = EventRoot.__new__
"""A root is made for each event that anyone hears: without the call of `__init__`, which costs more than it does."""

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
    if name:
        bot.chosen_name = name
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


current_bot: ContextVar[Bot | None] = ContextVar("whisperwatch_bot", default=None)
"""The bot that is being set up."""


def forget_all() -> None:
    """Take back what was put on clients, at `uninstrument()`."""
    for client in list(bots):
        for owner in (client, client.http):
            if hasattr(owner, "_whisperwatch"):
                del owner._whisperwatch
        bots.discard(client)


def _message_ids(message: Any) -> dict[str, Any]:
    """As `_ids`, of the subject that there is most of."""
    found = {
        semconv.MESSAGE_ID: message.id, semconv.CHANNEL_ID: message.channel.id, semconv.USER_ID: message.author.id,
    }  # fmt: skip
    if message.guild is not None:
        found[semconv.GUILD_ID] = message.guild.id
    return found


def _ids(subject: Any) -> dict[str, Any]:
    """Guild, channel and user of whatever an event was about, raw: they are hashed before they leave."""
    found: dict[str, Any] = {}
    guild = getattr(subject, "guild_id", None) or getattr(getattr(subject, "guild", None), "id", None)
    if guild is not None:
        found[semconv.GUILD_ID] = guild
    channel = getattr(subject, "channel_id", None) or getattr(getattr(subject, "channel", None), "id", None)
    if channel is not None:
        found[semconv.CHANNEL_ID] = channel
    user = getattr(subject, "author", None) or getattr(subject, "user", None)
    user_id = getattr(user, "id", None) or getattr(subject, "user_id", None)
    if user_id is not None:
        found[semconv.USER_ID] = user_id
    return found
