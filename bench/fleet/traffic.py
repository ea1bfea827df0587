"""What happens in a synthetic bot: events of the gateway on each shard, and messages that a companion answers."""

from __future__ import annotations

import random
from typing import Any, Final

from discord.state import ConnectionState

from whisperwatch import semconv
from whisperwatch.bot.recording.recorder import Recorder

BOT: Final = "companion.chat"
SPANS_PER_MESSAGE: Final = 8
_METRICS: Final = {metric.name: metric for metric in semconv.METRICS}
_NS: Final = 10**9
_EVENTS: Final = [
    name.removeprefix("parse_").upper() for name in dir(ConnectionState) if name.startswith("parse_")
]
"""All that discord.py knows: each shard has a counter of each, from the start."""
_USUAL: Final = (
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "TYPING_START",
    "PRESENCE_UPDATE",
    "MESSAGE_REACTION_ADD",
)
_COMMANDS: Final = ("ask", *(f"command-{number}" for number in range(1, 20)))
_OUTCOMES: Final = ("ok", "failure", "user_error")
_NAME: Final = {semconv.BOT_NAME: "Companion"}
_SQL: Final = {semconv.DB_SYSTEM: "postgresql", semconv.SERVER_ADDRESS: "localhost"}
_MODEL: Final = {
    semconv.GEN_AI_OPERATION: "chat", semconv.GEN_AI_PROVIDER: "openai", semconv.GEN_AI_REQUEST_MODEL: "small",
}  # fmt: skip
_SEND, _TYPING = "/channels/{channel_id}/messages", "/channels/{channel_id}/typing"
_STEPS: Final[tuple[tuple[str, int, dict[str, Any], dict[str, Any] | None, float], ...]] = (
    ("command ask", 0, {**_NAME, semconv.COMMAND: "ask", semconv.OUTCOME: "ok"}, None, 1.4),
    ("GET", 2, {semconv.DB_SYSTEM: "redis", semconv.DB_OPERATION: "GET"}, None, 0.001),
    ("SELECT turns", 2, {**_SQL, semconv.DB_OPERATION: "SELECT"},
     {semconv.DB_QUERY_TEXT: "SELECT said, answer FROM turns WHERE person = $1 ORDER BY id DESC LIMIT ?"}, 0.01),
    ("chat small", 2, _MODEL, {"gen_ai.usage.input_tokens": 420, "gen_ai.usage.output_tokens": 96}, 1.2),
    ("INSERT turns", 2, {**_SQL, semconv.DB_OPERATION: "INSERT"},
     {semconv.DB_QUERY_TEXT: "INSERT INTO turns (person, said, answer) VALUES ($1, $2, $3)"}, 0.01),
    (f"POST {_TYPING}", 2, {semconv.METHOD: "POST", semconv.ROUTE: _TYPING}, {semconv.STATUS_CODE: 204}, 0.1),
    (f"POST {_SEND}", 2, {semconv.METHOD: "POST", semconv.ROUTE: _SEND}, {semconv.STATUS_CODE: 200}, 0.15),
)  # fmt: skip
"""Below the root: name, kind, attributes that many spans share, its own, seconds that it usually takes."""
_TIMED: Final[tuple[tuple[str, dict[str, Any], float], ...]] = (
    ("discord.message.response.duration", {**_NAME, semconv.EVENT: "message"}, 1.5),
    ("discord.event.duration", {**_NAME, semconv.EVENT: "message"}, 1.5),
    ("gen_ai.client.operation.duration", {**_MODEL, semconv.SERVER_ADDRESS: "localhost"}, 1.2),
    ("db.client.operation.duration", {**_SQL, semconv.DB_OPERATION: "SELECT"}, 0.01),
    ("db.client.operation.duration", {**_SQL, semconv.DB_OPERATION: "INSERT"}, 0.01),
    ("db.client.operation.duration", {semconv.DB_SYSTEM: "redis", semconv.DB_OPERATION: "GET"}, 0.001),
    ("discord.http.request.duration", {semconv.METHOD: "POST", semconv.ROUTE: _SEND}, 0.15),
    ("discord.http.request.duration", {semconv.METHOD: "POST", semconv.ROUTE: _TYPING}, 0.1),
    ("bot.event_loop.lag", {}, 0.002),
)  # fmt: skip
_LEVELS: Final = (
    ("discord.gateway.heartbeat.latency", 0.04), ("discord.gateway.last_event.age", 0.1), ("discord.shard.up", 1.0),
)  # fmt: skip


class Traffic:
    """Writes into a recorder.

    Args:
        guilds: of each shard. Their ids are on spans, and on no metric.
    """

    def __init__(self, recorder: Recorder, shards: range, guilds: int, dice: random.Random) -> None:
        self._recorder, self._shards, self._guilds, self._dice = recorder, shards, guilds, dice
        self._root = self._static({**_NAME, semconv.EVENT: "message"})
        self._steps = [
            (name, kind, self._static(static), own, usual) for name, kind, static, own, usual in _STEPS
        ]
        self._counted = {
            (shard, event): self._cell(
                "discord.gateway.events", {**_NAME, semconv.SHARD: shard, semconv.EVENT: event}
            )
            for shard in shards
            for event in _EVENTS
        }
        self._timed = [(self._cell(name, attributes), usual) for name, attributes, usual in _TIMED]
        commands = {
            command: [self._command(command, outcome) for outcome in _OUTCOMES] for command in _COMMANDS
        }
        self._timed.append((commands["ask"][0], 1.4))
        self._handled = self._cell("discord.messages.handled", {**_NAME, semconv.EVENT: "message"})
        for shard in shards:
            self._cell("discord.gateway.connects", {**_NAME, semconv.SHARD: shard}).add(1)
            self._cell("discord.shard.guilds", {**_NAME, semconv.SHARD: shard}).set(guilds)

    def happen(self, at: float, messages: int, events: int) -> None:
        """On each shard so many messages and events, in the time up to `at` (unix seconds)."""
        for shard in self._shards:
            for name, usual in _LEVELS:
                self._cell(name, {**_NAME, semconv.SHARD: shard}).set(usual * self._dice.uniform(0.9, 1))
            for _ in range(events):
                self._counted[shard, self._dice.choice(_USUAL)].add(1)
            for _ in range(messages):
                self._message(shard, at)

    def _message(self, shard: int, at: float) -> None:
        dice, clock = self._dice, self._recorder.clock
        trace, root = dice.getrandbits(128) | 1, dice.getrandbits(64) | 1
        start = round((at - dice.uniform(2, 14)) * _NS) - clock.offset
        began = start
        for name, kind, static, own, usual in self._steps:
            took = round(usual * dice.uniform(0.5, 1.5) * _NS)
            self._span(trace, dice.getrandbits(64) | 1, root, name, kind, start, start + took, static, own)
            start += 50_000
        ids = {
            semconv.SHARD: shard, semconv.GUILD_ID: (shard << 40) + dice.randrange(self._guilds),
            semconv.CHANNEL_ID: dice.getrandbits(60), semconv.USER_ID: dice.getrandbits(60),
            semconv.MESSAGE_ID: dice.getrandbits(60),
        }  # fmt: skip
        self._span(trace, root, 0, "message", 4, began, began + 3 * _NS // 2, self._root, ids)
        self._handled.add(1)
        for cell, usual in self._timed:
            cell.record(usual * dice.lognormvariate(0, 0.5))
        self._recorder.logs.put((
            began, 9, "INFO", BOT, f"answered in {dice.uniform(0.5, 3):.2f} s with 96 tokens", None, trace, root, 1,
            None, None, None,
        ))  # fmt: skip

    def _span(
        self, trace: int, span: int, parent: int, name: str, kind: int, start: int, end: int, static: int,
        own: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        self._recorder.span_ended((
            trace, span, parent, 1, None, name, kind, start, end, static, own, 0, None, None, None,
            self._recorder.scope, None,
        ))  # fmt: skip

    def _command(self, command: str, outcome: str) -> Any:
        about = {semconv.COMMAND: command, semconv.COMMAND_KIND: "prefix", semconv.OUTCOME: outcome}
        return self._cell("discord.command.duration", {**_NAME, **about})

    def _static(self, attributes: dict[str, Any]) -> int:
        return self._recorder.attribute_set(attributes)[0]

    def _cell(self, name: str, attributes: dict[str, Any]) -> Any:
        return self._recorder.instrument(_METRICS[name]).find(attributes)
