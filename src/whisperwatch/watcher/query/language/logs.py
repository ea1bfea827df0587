"""What is asked of logs: the newest records that fit, or how many there were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from whisperwatch.watcher.query.language.periods import Period

LEVELS: Final = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
"""The least OpenTelemetry severity number of each level; `critical` is what OpenTelemetry calls FATAL."""
Level = Literal["debug", "info", "warning", "error", "critical"]
LogKey = Literal["component", "level", "logger", "instance"]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which records are meant; all that is said must hold.

    Attributes:
        level: this one and what is worse.
        components: any of these (`semconv.COMPONENTS`).
        logger: the logger, or what is under it (`bot` is also `bot.db`).
        text: found literally in the message, in the exception's type or text, in any case of letters.
        trace_id: 32 hex digits, lower case.
        instance: a `service.instance.id`.
        event: the event name, such as `bot.error`.
    """

    level: Level | None = None
    components: tuple[str, ...] = ()
    logger: str | None = None
    text: str | None = None
    trace_id: str | None = None
    instance: str | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """The newest `most` records that fit, newest first. `before`: only what is older (wall ns), to page on."""

    period: Period
    filter: LogFilter = field(default_factory=LogFilter)
    most: int = 50
    before: int | None = None


@dataclass(frozen=True, slots=True)
class LogCount:
    """How many records fit, by group and time: answered like an `increase`."""

    period: Period
    filter: LogFilter = field(default_factory=LogFilter)
    by: tuple[LogKey, ...] = ()
