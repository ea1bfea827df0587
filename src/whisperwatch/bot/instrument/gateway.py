"""Gateway events, counted where discord.py looks their parsers up: a closure for each event of each connection, with
its counter already found. A connection's own ups and downs are read where its heartbeat starts and stops.

The receipt of an event is taken when its JSON has been decoded: that is when discord.py asks for its parser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.activity import reacted
from whisperwatch.bot.instrument.bots import Bot, Shard, bot_of
from whisperwatch.bot.instrument.measures import counting
from whisperwatch.bot.recording.current import enter, leave
from whisperwatch.bot.recording.recorder import recorder

_now = recorder.clock.now
_MARK = "_whisperwatch_shard"
_ABNORMAL_CLOSURE = 1006
"""What an end without a close frame is called; it is never sent."""
Parser = Callable[[Any], Any]
first: dict[str, Callable[[Any, Any], bool]] = {}
"""By event, who is given the client and the event's data before discord.py, and says whether it was for him."""


class Parsers(dict[str, Parser]):
    """discord.py's table of parsers for one connection, each watched; an event without a parser is counted too."""

    def __init__(self, bot: Bot, shard: Shard, parsers: dict[str, Parser]) -> None:
        super().__init__({name: _watched(bot, shard, name, parser) for name, parser in parsers.items()})
        self.bot = bot
        self.shard = shard

    def __missing__(self, name: str) -> Parser:
        try:
            self.shard.last_event_ns = _now()
            _events(self.bot, self.shard, name).add(1)
        except Exception:
            guard.failed("unknown gateway event")
        raise KeyError(name)


def from_client(original: Any) -> Any:
    async def from_client(cls: Any, client: Any, *args: Any, **kwargs: Any) -> Any:
        ws = await original(cls, client, *args, **kwargs)
        try:
            watch_socket(bot_of(client), ws)
        except Exception:
            guard.failed("gateway connection")
        return ws

    return from_client


def watch_socket(bot: Bot, ws: Any) -> None:
    """Watch one gateway connection, new or already open."""
    if getattr(ws, _MARK, (None,))[0] is bot:
        return
    unwatch_socket(ws)
    number = ws.shard_id or 0
    shard = bot.shards.get(number)
    if shard is None:
        shard = bot.shards[number] = Shard(number)
    shard.socket = ws
    setattr(ws, _MARK, (bot, shard))
    ws._discord_parsers = Parsers(bot, shard, ws._discord_parsers)


def unwatch_socket(ws: Any) -> None:
    """Give an open connection discord.py's own parsers back."""
    if ws is not None and hasattr(ws, _MARK):
        delattr(ws, _MARK)
        ws._discord_parsers = ws._connection.parsers


def close(original: Any) -> Any:
    """`DiscordWebSocket.close`: our side's close code, known before the heartbeat stops."""

    async def close(self: Any, code: int = 4000) -> None:
        self._whisperwatch_code = code
        await original(self, code)

    return close


def stop(original: Any) -> Any:
    """`KeepAliveHandler.stop`: the connection is over, whoever ended it."""

    def stop(self: Any) -> None:
        try:
            if (
                threading.current_thread() is not self
            ):  # there it only gives up; the loop is still to learn why
                _disconnected(self.ws)
        except Exception:
            guard.failed("gateway disconnect")
        original(self)

    return stop


def _disconnected(ws: Any) -> None:
    marked = getattr(ws, _MARK, None)
    if marked is None or getattr(ws, "_whisperwatch_over", False):
        return
    ws._whisperwatch_over = True
    bot, shard = marked
    if shard.socket is ws:
        shard.up = False
    code = getattr(ws, "_whisperwatch_code", None) or ws.socket.close_code
    said = "none" if code in (None, _ABNORMAL_CLOSURE) else str(code)
    attributes = {semconv.BOT_NAME: bot.name, semconv.SHARD: shard.number, semconv.CLOSE_CODE: said}
    counting(semconv.GATEWAY_DISCONNECTS, attributes).add(1)


def _watched(bot: Bot, shard: Shard, name: str, parser: Parser) -> Parser:
    counted = _events(bot, shard, name)
    if name in _CONNECTION:
        parser = _after(_CONNECTION[name], bot, shard, parser)
    if name == "MESSAGE_REACTION_ADD":
        parser = _told_of_reactions(bot, parser)
    if name == "INTERACTION_CREATE":
        parser = _unless_taken(bot, name, _inside_root(bot, parser))

    def parse(data: Any) -> None:
        shard.last_event_ns = _now()
        bot.receiving = shard
        try:
            counted.add(1)
        except Exception:
            guard.failed("gateway event")
        try:
            parser(data)
        finally:
            bot.receiving = None
            root = bot.root
            if root is not None:
                bot.root = None
                root.release()

    return parse


def _inside_root(bot: Bot, parser: Parser) -> Parser:
    """discord.py starts an interaction's tasks while it parses it: the root is there, and current, for all of that."""

    def parse(data: Any) -> None:
        try:
            token = enter(bot.parse_root("on_interaction", ()).context_below())
        except Exception:
            guard.failed("interaction")
            parser(data)
            return
        try:
            parser(data)
        finally:
            leave(token)

    return parse


def _told_of_reactions(bot: Bot, parser: Parser) -> Parser:
    def parse(data: Any) -> None:
        try:
            reacted(bot, data)
        except Exception:
            guard.failed("reaction")
        parser(data)

    return parse


def _unless_taken(bot: Bot, name: str, parser: Parser) -> Parser:
    def parse(data: Any) -> None:
        try:
            taken = name in first and first[name](bot.client(), data)
        except Exception:
            guard.failed("gateway event taken")
            taken = False
        if not taken:
            parser(data)

    return parse


def _after(hook: Callable[[Bot, Shard], None], bot: Bot, shard: Shard, parser: Parser) -> Parser:
    def parse(data: Any) -> None:
        try:
            hook(bot, shard)
        except Exception:
            guard.failed("gateway connected")
        parser(data)

    return parse


def _events(bot: Bot, shard: Shard, name: str) -> Any:
    return counting(
        semconv.GATEWAY_EVENTS, {semconv.BOT_NAME: bot.name, semconv.SHARD: shard.number, semconv.EVENT: name}
    )


def _connected(bot: Bot, shard: Shard) -> None:
    shard.up = True
    counting(semconv.GATEWAY_CONNECTS, {semconv.BOT_NAME: bot.name, semconv.SHARD: shard.number}).add(1)


def _resumed(bot: Bot, shard: Shard) -> None:
    shard.up = True
    counting(semconv.GATEWAY_RESUMES, {semconv.BOT_NAME: bot.name, semconv.SHARD: shard.number}).add(1)


_CONNECTION = {"READY": _connected, "RESUMED": _resumed}
