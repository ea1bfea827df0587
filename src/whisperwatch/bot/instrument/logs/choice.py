"""Which loggers are recorded, from which level on, and which part of the bot they belong to."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from typing import Final

from whisperwatch import semconv

_OFF: Final = ("false", "0", "no", "off")
_NEVER: Final = ("whisperwatch", "opentelemetry.exporter", "opentelemetry.sdk")
"""Loggers of ours, and of what exports: what they say of telemetry would make more of it."""
_OUR_THREADS: Final = frozenset({"whisperwatch-ship", "whisperwatch-watcher"})
"""Not those of health checks, `whisperwatch-check-…`: what runs there is the bot's own code."""
_MOST_KNOWN: Final = 2_000


class Choice:
    """The settings of logs, as the bot's process reads them: a wrong one has no effect, the watcher tells of it.

    Attributes:
        wanted: `WHISPERWATCH_LOGS`.
        level: `WHISPERWATCH_LOG_LEVEL`; what is below is not recorded, whatever the logger lets through, unless it
            counts as an error.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.wanted = environment.get("WHISPERWATCH_LOGS", "").strip().lower() not in _OFF
        self.level = _level(environment.get("WHISPERWATCH_LOG_LEVEL", ""))
        try:
            self._added = semconv.components_of(environment.get("LOG_COMPONENTS", ""))
        except ValueError:
            self._added = {}
        self._known: dict[str, tuple[bool, str | None]] = {}

    def of(self, name: str) -> tuple[bool, str | None]:
        """Whether a logger is recorded, and its component where one is known."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            ours = any(name == never or name.startswith(f"{never}.") for never in _NEVER)
            known = self._known[name] = not ours, semconv.component_of_logger(name, self._added)
        return known


def is_our_thread(name: str | None) -> bool:
    """Of a watcher in a thread of the bot, and of the ship: what their libraries log is not the bot's."""
    return (threading.current_thread().name if name is None else name) in _OUR_THREADS


def _level(given: str) -> int:
    found = logging.getLevelName(given.strip().upper())
    if isinstance(found, int):
        return found
    return int(given) if given.strip().isdigit() else 0
