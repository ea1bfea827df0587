"""What requests are measured by, route by route. A route is its template: no id and no token is part of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot.instrument.bots import MOST_CELLS, Bot
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import Span

_REPLIES = frozenset({
    "POST /channels/{channel_id}/messages",
    "POST /webhooks/{webhook_id}/{webhook_token}",
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
})  # fmt: skip
_CALLBACK = "POST /interactions/{webhook_id}/{webhook_token}/callback"


class RouteCells:
    """What requests by one route are measured by. The first request is how a bot learns its name: until then its
    points wait."""

    __slots__ = (
        "attributes", "bot", "durations", "limits", "method", "path", "replies", "responds", "static", "title",
    )  # fmt: skip

    def __init__(self, bot: Bot, method: str, path: str, host: str) -> None:
        self.bot = bot
        self.method = method
        self.path = path
        self.title = f"{method} {path}"
        self.replies = self.title in _REPLIES
        self.responds = self.title == _CALLBACK
        self.limits = self.title == "GET /gateway/bot"
        self.attributes: dict[str, Any] | None = None
        self.static = recorder.attribute_set(
            {semconv.METHOD: method, semconv.ROUTE: path, semconv.SERVER_ADDRESS: host}
        )
        self.durations: dict[Any, Any] = {}

    def took(self, status: Any, seconds: float, span: Span | None) -> None:
        """One attempt's duration."""
        found = self.durations.get(status)
        if found is None:
            named = self._named(lambda: self.took(status, seconds, None))
            if named is None:
                return
            found = self.durations[status] = timing(
                semconv.HTTP_DURATION, {**named, semconv.STATUS_CODE: status}
            )
        found.record(seconds, span)

    def waited(self, seconds: float) -> None:
        """What one request waited for rate limits."""
        named = self._named(lambda: self.waited(seconds))
        if named is not None:
            timing(semconv.HTTP_WAIT, named).record(seconds)

    def count(self, metric: semconv.Metric, more: dict[str, Any]) -> None:
        named = self._named(lambda: self.count(metric, more))
        if named is not None:
            counting(metric, {**named, **more}).add(1)

    def _named(self, later: Callable[[], None]) -> dict[str, Any] | None:
        """The attributes, or None: then `later` is called when the bot has a name."""
        if self.attributes is None:
            if self.bot.known_name is None:
                self.bot.when_named(later)
                return None
            self.attributes = {
                semconv.BOT_NAME: self.bot.name,
                semconv.METHOD: self.method,
                semconv.ROUTE: self.path,
            }
        return self.attributes


def route_cells(bot: Bot, route: Any) -> RouteCells:
    key = (route.method, _template(route.path) if len(bot.cells) < MOST_CELLS else "/{other}")
    cells: RouteCells | None = bot.cells.get(key)
    if cells is None:
        host = route.BASE.split("/")[2].split(":")[0]
        cells = bot.cells[key] = RouteCells(bot, *key, host)
    return cells


def _template(path: str) -> str:
    """The template of a route that a user's own code, or discord.py, has already put ids into."""
    return _TOKEN.sub("/{token}", _ID.sub("/{id}", path.partition("?")[0]))


_ID = re.compile(r"/\d{5,}(?=/|$)")
_TOKEN = re.compile(r"/(?=[^/]*\d)[\w.~-]{40,}(?=/|$)")
