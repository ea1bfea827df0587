"""A synthetic user: what it can do, how often it does what, and what it knows the bot has to make of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from whisperwatch.demo import sayings
from whisperwatch.demo.loopback import Interaction, LoopbackDiscord, Message, Person
from whisperwatch.demo.loopback.guilds import Channel
from whisperwatch.demo.truth import Deed, Truth

_PATIENCE_S = 20.0
_SHORTEST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 8.0
_SHOWN = 60
_APOLOGY = "Something broke"
"""How the bot's answer begins when a command failed by what no user can know, such as a language model that fails."""


@dataclass(eq=False)
class Visitor:
    """One user, with dice of its own, so that what each does next does not hang on the others.

    `pause_s` is how long it thinks between two things, on average.
    """

    person: Person
    discord: LoopbackDiscord
    truth: Truth
    dice: random.Random
    channels: list[Channel]
    moderator: bool = False
    pause_s: float = 1.5
    _said: list[str] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _had_daily: bool = False
    _last: Message | None = None
    _heard: Message | None = None
    """What the bot answered last to talk, if that wasn't judged yet."""

    async def live(self, leaving: asyncio.Event) -> None:
        """Do one thing after another until it is time to leave; what was begun is ended."""
        acts, weights = zip(*ACTS, strict=True)
        while not await self._thinks(leaving):
            (act,) = self.dice.choices(acts, weights)
            await act(self)

    async def _thinks(self, leaving: asyncio.Event) -> bool:
        pause = self.dice.expovariate(1 / self.pause_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(pause, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)):
                await leaving.wait()
        return leaving.is_set()

    async def _reads(self) -> None:
        """Looks at buttons or a form. Nobody is faster than discord.py, which knows them a moment after it has sent
        them."""
        await asyncio.sleep(self.dice.uniform(0.4, 1.2))

    # --- conversation ---

    async def mentions(self) -> None:
        """Talks to the bot where all can hear it."""
        await self._talks(f"{self.discord.bot.mention} {self._something()}", self._channel())

    async def writes(self) -> None:
        """Talks to the bot alone."""
        await self._talks(self._something(), None)

    async def chats(self) -> None:
        """Says something that is not for the bot."""
        text = self.dice.choice(sayings.CHATTER)
        async with self._deed(text):
            self._last = await self.person.say(text, self._channel())

    async def _talks(self, text: str, channel: Channel | None) -> None:
        async with self._deed(
            text.replace(self.discord.bot.mention, f"@{self.discord.bot.name}"), answered=True
        ):
            message = await (self.person.dm(text) if channel is None else self.person.say(text, channel))
            self.truth.talks.add(message.id)
            self._heard = await self.discord.reply_to(message, _PATIENCE_S)

    async def judges(self) -> None:
        """Reacts to what the bot has said, mostly kindly; each answer once."""
        if self._heard is None:
            return
        heard, self._heard = self._heard, None
        emoji, value = ("👍", "positive") if self.dice.random() < 0.75 else ("👎", "negative")
        async with self._deed(f"reacts {emoji}"):
            self.truth.reactions[value] += 1
            await self.person.react(heard, emoji)

    def _something(self) -> str:
        """Something new, or what it has said before: then the bot has the answer in its cache."""
        if self._said and self.dice.random() < 0.25:
            return self.dice.choice(self._said[-3:])
        self._said.append(sayings.sentence(self.dice))
        return self._said[-1]

    # --- prefix commands ---

    async def pings(self) -> None:
        await self._calls("!ping", "ping")

    async def takes_note(self) -> None:
        reply = await self._calls(f"!note add {self.dice.choice(sayings.TOPICS)}", "note add")
        if reply is not None:
            self._notes.append(reply.content.removeprefix("Noted as ").rstrip("."))

    async def lists_notes(self) -> None:
        await self._calls("!note list", "note list")

    async def asks_for_notes(self) -> None:
        """Forgets the subcommand, or misspells it: the group answers."""
        await self._calls(self.dice.choice(("!note", "!note ad milk", "!note show")), "note")

    async def drops_note(self) -> None:
        if self._notes and self.dice.random() < 0.7:
            await self._calls(f"!note drop {self._notes.pop()}", "note drop")
        else:
            await self._calls("!note drop the last one", "note drop", "user_error")

    async def rolls(self) -> None:
        await self._calls(f"!roll {self.dice.choice(('2d6', '1d20', '4d8'))}", "roll")

    async def rolls_badly(self) -> None:
        """What is no dice, or nothing at all."""
        await self._calls(self.dice.choice(("!roll 2x6", "!roll", "!roll a lot")), "roll", "user_error")

    async def wants_daily(self) -> None:
        """A star a day; the second is refused."""
        had, self._had_daily = self._had_daily, True
        await self._calls("!daily", "daily", "rate_limited" if had else "ok")

    async def tidies(self) -> None:
        """Only moderators may."""
        await self._calls("!tidy", "tidy", "ok" if self.moderator else "user_error")

    async def asks_oracle(self) -> None:
        """Its bug: one length of question in five."""
        question = sayings.sentence(self.dice)
        await self._calls(f"!oracle {question}", "oracle", "failure" if len(question) % 5 == 4 else "ok")

    async def asks_weather(self) -> None:
        """Its bug: unknown places, of which its own error handler says nothing."""
        place = self.dice.choice(("here", "there", "elsewhere", "nowhere"))
        known = place != "nowhere"
        await self._calls(f"!weather {place}", "weather", "ok" if known else "failure", answered=known)

    async def misspells(self) -> None:
        await self._calls(self.dice.choice(sayings.TYPOS), "unknown", "user_error")

    async def shows_profile(self) -> None:
        await self._calls("!profile", "profile", kind="hybrid")

    async def _calls(
        self, text: str, name: str, outcome: str = "ok", *, kind: str = "prefix", answered: bool = True
    ) -> Message | None:
        async with self._deed(text, outcome, answered=answered):
            message = await self.person.say(text, self._channel())
            self.truth.commands[name, kind, outcome] += 1
            self.truth.command_messages[message.id] = name
            return await self.discord.reply_to(message, _PATIENCE_S) if answered else None
        return None

    # --- interactions ---

    async def asks(self) -> None:
        await self._uses("ask", question=self._something())

    async def tells(self) -> None:
        await self._uses("remember", text=sayings.sentence(self.dice))

    async def recalls(self) -> None:
        """Types a little, is offered what it has said, chooses."""
        channel = self._channel()
        typed = self.dice.choice(("the", "my", "a"))
        offered: list[dict[str, Any]] = []  # stays so where none come in time
        async with self._deed(f"/recall {typed}…", "ok", answered=True):
            self._interacted("recall", "autocomplete")
            offered = await self.person.autocomplete("recall", "about", typed, channel, timeout=_PATIENCE_S)
        about = str(self.dice.choice(offered)["value"]) if offered else typed
        await self._uses("recall", channel, about=about)

    async def shows_profile_by_slash(self) -> None:
        await self._uses("profile", kind="hybrid")

    async def tells_mood(self) -> None:
        """A slash command answers with buttons; one is pressed."""
        used = await self._uses("mood")
        if used is None:
            return
        button = self.dice.choice(("good", "bad"))
        await self._reads()
        async with self._deed(f"presses [{button}]", "ok", answered=True):
            self._interacted(f"MoodView.{button}", "component")
            clicked = await self.person.click(used.replies[0], button)
            await self.discord.reply_to(clicked, _PATIENCE_S)

    async def gives_feedback(self) -> None:
        """A slash command answers with a form; it is filled in."""
        async with self._deed("/feedback", "ok", answered=True):
            self._interacted("feedback", "slash")
            opened = await self.person.slash("feedback", self._channel())
            await opened.answered(_PATIENCE_S)
        await self._reads()
        async with self._deed("submits its feedback", "ok", answered=True):
            self._interacted("FeedbackModal", "modal")
            values: dict[str, object] = {"feedback:text": sayings.sentence(self.dice)}
            submitted = await self.person.submit(opened, values, timeout=_PATIENCE_S)
            await self.discord.reply_to(submitted, _PATIENCE_S)

    async def has_it_remembered(self) -> None:
        """A message's context menu."""
        if self._last is None:
            await self.chats()
        assert self._last is not None
        await self._chooses("Remember this", self._last, None)

    async def asks_who(self) -> None:
        """A user's context menu."""
        await self._chooses("Who is this?", self.person, self._channel())

    async def _uses(
        self, command: str, channel: Channel | None = None, /, *, kind: str = "slash", **values: object
    ) -> Interaction | None:
        shown = " ".join([f"/{command}", *map(str, values.values())])
        async with self._deed(shown, "ok", answered=True) as doing:
            self._interacted(command, kind)
            used = await self.person.slash(command, channel or self._channel(), **values)
            reply = await self.discord.reply_to(used, _PATIENCE_S)
            if reply.content.startswith(_APOLOGY):
                doing.outcome = "failure"
                self.truth.commands[command, kind, "ok"] -= 1
                self.truth.commands[command, kind, "failure"] += 1
            return used
        return None

    async def _chooses(self, command: str, target: Message | Person, channel: Channel | None) -> None:
        async with self._deed(f"[{command}]", "ok", answered=True):
            self._interacted(command, "context_menu")
            chosen = await self.person.context_menu(command, target, channel)
            await self.discord.reply_to(chosen, _PATIENCE_S)

    def _interacted(self, name: str, kind: str, outcome: str = "ok") -> None:
        self.truth.commands[name, kind, outcome] += 1
        self.truth.interactions += 1

    # --- all of it ---

    def _channel(self) -> Channel:
        return self.dice.choice(self.channels)

    def _deed(self, what: str, outcome: str = "", *, answered: bool = False) -> _Doing:
        return _Doing(self, what, outcome, answered)


class _Doing:
    """Times one thing; an answer that doesn't come in time is counted, not raised."""

    def __init__(self, visitor: Visitor, what: str, outcome: str, answered: bool) -> None:
        self._visitor = visitor
        self._what = what if len(what) <= _SHOWN else f"{what[: _SHOWN - 1]}…"
        self.outcome = outcome
        self._answered = answered
        self._begin = time.monotonic()

    async def __aenter__(self) -> _Doing:
        self._begin = time.monotonic()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is not None and not isinstance(error, TimeoutError):
            return False
        took = time.monotonic() - self._begin if self._answered and error is None else None
        what = self._what if error is None else f"{self._what} (no answer)"
        self._visitor.truth.unanswered += error is not None
        self._visitor.truth.did(Deed(self._visitor.person.name, what, self.outcome, took))
        return True


Act = Callable[[Visitor], Awaitable[None]]
ACTS: tuple[tuple[Act, int], ...] = (
    (Visitor.mentions, 14), (Visitor.writes, 10), (Visitor.chats, 8), (Visitor.judges, 6),
    (Visitor.pings, 4), (Visitor.takes_note, 5), (Visitor.lists_notes, 4), (Visitor.asks_for_notes, 2),
    (Visitor.drops_note, 3), (Visitor.rolls, 4), (Visitor.rolls_badly, 2), (Visitor.wants_daily, 2),
    (Visitor.tidies, 2), (Visitor.asks_oracle, 4), (Visitor.asks_weather, 3), (Visitor.misspells, 3),
    (Visitor.shows_profile, 2), (Visitor.asks, 4), (Visitor.tells, 4), (Visitor.recalls, 4),
    (Visitor.shows_profile_by_slash, 2), (Visitor.tells_mood, 3), (Visitor.gives_feedback, 3),
    (Visitor.has_it_remembered, 3), (Visitor.asks_who, 2),
)  # fmt: skip
"""What a user can do, and how often in proportion."""
