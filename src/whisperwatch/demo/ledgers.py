"""What truly happened in the demo, put together from those who did it: users, Discord, the services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import asyncpg
from redis.asyncio import Redis

from whisperwatch.demo import talks
from whisperwatch.demo.backends.llm import LanguageModel
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.demo.loopback.ledger import Event
from whisperwatch.demo.talks import Turn
from whisperwatch.demo.truth import Truth

_VISIBLE_ANSWERS = frozenset({8, 9})
"""Interaction responses that are no message, but that a user sees: choices, a modal."""
Key = TypeVar("Key", bound=Hashable)
_ASKED_BY_US = ("GET", "/gateway/bot")
"""Whisperwatch's own question, after the IDENTIFYs that are left: no request of the bot's."""
_TASK = "Memories.consolidate"


@dataclass(frozen=True)
class Done:
    """What was done, counted by those who did it; two are equal where nothing has happened in between."""

    events: Counter[str] = field(default_factory=Counter)
    """Gateway events that Discord sent, by type; one that was sent again after a resume is one."""
    connections: Counter[str] = field(default_factory=Counter)
    """`ready` and `resumed` connections."""
    commands: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By name, kind, outcome."""
    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """REST requests that Discord answered, by method, route template, status; `error` is a broken connection."""
    tasks: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Runs of background tasks, by name and outcome."""
    command_messages: frozenset[int] = frozenset()
    """Messages that called a command, by id."""
    talks: frozenset[int] = frozenset()
    """Messages that were meant for the companion, by id."""
    replied: frozenset[int] = frozenset()
    """Messages that the bot replied to, by id."""
    interactions: int = 0
    answered_interactions: int = 0
    """Interactions whose answer a user could see."""
    model_answers: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    """Of the model's answers, `input` and `output`."""
    turns: int = 0
    """Rows of conversation in PostgreSQL."""
    cache_reads: int = 0
    """GETs that Redis has served."""
    lookups: Counter[str] = field(default_factory=Counter)
    """Those, by `hit` and `miss`, as Redis counts them."""
    memories: Counter[str] = field(default_factory=Counter)
    """Operations on the companion's memory, by `retrieve` and `store`."""
    users: int = 0
    """People whom the bot answered."""
    conversations: int = 0
    """Each of one of them in one channel."""
    feedback: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What was thought of the bot, by value and what it follows from, as `semconv` names them."""


class Ledgers:
    """Where the parts' own ledgers are."""

    def __init__(
        self, truth: Truth, discord: LoopbackDiscord, model: LanguageModel, dsn: str, redis_url: str
    ) -> None:
        self._truth = truth
        self._discord = discord
        self._model = model
        self._dsn = dsn
        self._redis_url = redis_url

    async def read(self) -> Done:
        """Everything, as it is now."""
        turns, consolidations = await self._rows()
        lookups = await self._lookups()
        ledger, truth = self._discord.ledger, self._truth
        replied = frozenset(
            m.reference.id for m in ledger.messages if m.author.bot and m.reference is not None
        )
        answered = list(self._answered(replied))
        return Done(
            events=_sums((kind, count) for (_, kind), count in ledger.event_counts.items())
            - _twice(ledger.events),
            connections=_sums(
                (what, count)
                for (_, what), count in ledger.connection_counts.items()
                if what in ("ready", "resumed")
            ),
            commands=Counter(truth.commands),
            requests=_sums(
                ((method, route, str(status or "error")), count)
                for (method, route, status), count in ledger.request_counts.items()
                if (method, route) != _ASKED_BY_US
            ),
            tasks=Counter({(_TASK, "ok"): consolidations}),
            command_messages=frozenset(truth.command_messages),
            talks=frozenset(truth.talks),
            replied=replied,
            interactions=truth.interactions,
            answered_interactions=sum(
                bool(i.replies) or i.answer_type in _VISIBLE_ANSWERS for i in ledger.interactions
            ),
            model_answers=self._model.ledger.answered,
            tokens=Counter(
                input=self._model.ledger.prompt_tokens, output=self._model.ledger.completion_tokens
            ),
            turns=turns,
            cache_reads=await self._cache_reads(),
            lookups=lookups,
            memories=self._memories(turns),
            users=talks.users(answered),
            conversations=talks.conversations(answered),
            feedback=_sums([
                *(((value, "reaction"), count) for value, count in truth.reactions.items()),
                (("negative", "asked_again"), talks.asked_again(answered)),
            ]),
        )  # fmt: skip

    def _answered(self, replied: frozenset[int]) -> Iterator[Turn]:
        """What the bot handled, of messages and interactions."""
        ledger = self._discord.ledger
        for message in ledger.messages:
            if message.id in replied or message.id in self._truth.command_messages:
                at = datetime.fromisoformat(message.timestamp).timestamp()
                yield Turn(at, message.author.id, message.channel.id, message.content)
        for interaction in ledger.interactions:
            yield Turn(interaction.sent_at, interaction.user.id, interaction.channel.id)

    def _memories(self, turns: int) -> Counter[str]:
        """Each talk begins with a look into memory, and ends as one."""
        called = Counter[str]()
        for (name, _, _), count in self._truth.commands.items():
            called[name] += count
        return Counter(
            retrieve=len(self._truth.talks) + called["ask"] + called["recall"]
            - self._truth.commands["recall", "autocomplete", "ok"],
            store=turns + called["remember"] + called["Remember this"],
        )  # fmt: skip

    async def _rows(self) -> tuple[int, int]:
        connection = await asyncpg.connect(self._dsn)
        try:
            row = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM turns) AS turns, (SELECT count(*) FROM consolidations) AS consolidations"
            )
        finally:
            await connection.close()
        return int(row["turns"]), int(row["consolidations"])

    async def _cache_reads(self) -> int:
        async with Redis.from_url(self._redis_url) as redis:
            stats = await redis.info("commandstats")
        return int(stats.get("cmdstat_get", {}).get("calls", 0))

    async def _lookups(self) -> Counter[str]:
        async with Redis.from_url(self._redis_url) as redis:
            stats = await redis.info("stats")
        return Counter(hit=int(stats["keyspace_hits"]), miss=int(stats["keyspace_misses"]))


def _twice(events: Iterable[Event]) -> Counter[str]:
    """Events that were sent a second time, by type.

    A bot that leaves a connection doesn't read what is on its way there; when it resumes it names the last event that
    it has read, and is sent the rest again. So it reads each event once, however often it was sent.
    """
    seen: set[tuple[str, int]] = set()
    twice: Counter[str] = Counter()
    for event in events:
        key = event.session, event.sequence
        twice[event.type] += key in seen
        seen.add(key)
    return twice


def _sums(pairs: Iterable[tuple[Key, int]]) -> Counter[Key]:
    sums: Counter[Key] = Counter()
    for key, count in pairs:
        sums[key] += count
    return sums
