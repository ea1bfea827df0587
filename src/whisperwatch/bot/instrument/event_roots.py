"""The roots of events: what an event named so is measured by, and what its root says of the event it was about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisperwatch import semconv
from whisperwatch.bot.instrument.activity import activity
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.masking import heard
from whisperwatch.bot.recording.readable import SAMPLED
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.bot.recording.spans import Span

if TYPE_CHECKING:
    from whisperwatch.bot.instrument.bots import Bot

_KIND_CONSUMER = 4


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
    others: tuple[Any, ...] = ()
    """What the event was about, too: who reacted, what a message was before."""
    conversation: Any = None
    """The one that it belongs to, where the bot's code said so."""

    def __init__(self, bot: Bot, cells: EventCells, subject: Any, shard: int | None) -> None:
        """Who makes it begins it, too."""
        self.bot = bot
        self.cells = cells
        self.subject = subject
        self.shard = shard
        self.title = cells.name
        self.static = cells.static
        self.duration = cells.duration
        # what is read later, and rarely set: a default of the class costs ten times as much to read
        self.end_ns = self.status_code = 0
        self.ornate = self.touched = self.handled = False
        self.flags = SAMPLED
        self.sampled = True
        self.own = self.trouble = self.held = self.conversation = None
        if cells.response is not None and subject is not None:
            bot.recent.subjects.append(subject)

    def also(self, args: tuple[Any, ...]) -> None:
        """Its gateway event is dispatched under another name, with more: a raw event goes before most."""
        if any(one is args[0] for one in self.others):
            return
        self.others += args
        if self.needles:
            heard(self, args)

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
