"""The settings of what the bot logs: whether and from which level on it is recorded, and the log file."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any, ClassVar

from whisperwatch.semconv import COMPONENTS, components_of

from . import values
from .otlp import CONSOLE
from .reading import Group, setting


def log_level(given: Any) -> int:
    """A level of `logging`, by name or number."""
    text = str(given).strip().upper()
    found = logging.getLevelName(text)
    if isinstance(found, int):
        return found
    if text.isdigit():
        return int(text)
    raise ValueError("is no level")


@dataclass(frozen=True, kw_only=True)
class Logs(Group):
    """What becomes of the bot's log records."""

    title: ClassVar[str] = "Logs"
    enabled: bool = setting(
        "WHISPERWATCH_LOGS",
        default=True,
        parse=values.switch,
        help="Whether what the bot logs is recorded.",
        right="true or false",
        off="no record is kept or exported; errors that the bot logs are counted all the same.",
        bot=True,
    )
    level: int = setting(
        "WHISPERWATCH_LOG_LEVEL",
        default=0,
        parse=log_level,
        help="What is below is not recorded, also where the bot's own loggers let it through.",
        right="DEBUG, INFO, WARNING, ERROR or CRITICAL",
        unset="the loggers' own levels",
        bot=True,
    )
    components: tuple[tuple[str, str], ...] = setting(
        "LOG_COMPONENTS",
        default=(),
        parse=lambda given: tuple(components_of(str(given)).items()),
        help="Which part of the bot a logger belongs to, beside those of known libraries, such as "
        "`mybot.brain=llm,mybot.db=database`; loggers below it belong to it too.",
        right=f"logger=component pairs with commas between, of {', '.join(COMPONENTS)}",
        unset="none",
        bot=True,
    )
    file: str | None = setting(
        "LOG_FILE",
        default=None,
        parse=lambda given: os.path.expanduser(str(given)),
        help="A file that gets the bot's logs, redacted, as lines of JSON (ECS), for Filebeat.",
        right="the path of a file",
        unset="none",
    )
    file_bytes: int = setting(
        "LOG_FILE_MAX_BYTES",
        default=50 * 2**20,
        parse=values.size,
        help="How long the file may become before it is rotated.",
        right="a size such as 50MB, 64 KiB at least",
    )
    file_backups: int = setting(
        "LOG_FILE_BACKUPS",
        default=5,
        parse=values.whole(0, 1000),
        help="How many rotated files are kept.",
        right="a number from 0 to 1000",
    )
    exporter: frozenset[str] | None = setting(
        "OTEL_LOGS_EXPORTER",
        default=None,
        parse=values.words("otlp", "none", refused={"console": CONSOLE, "logging": CONSOLE}),
        help="`otlp` or `none`.",
        right="otlp or none",
        unset="otlp where an endpoint is set, else none",
    )
    delay_s: float = setting(
        "OTEL_BLRP_SCHEDULE_DELAY",
        default=1.0,
        parse=values.milliseconds,
        help="How long a log record may wait for a batch to fill. Plain numbers are milliseconds.",
        right="a duration such as 30s, or a number of milliseconds",
        live=True,
    )
    timeout_s: float = setting(
        "OTEL_BLRP_EXPORT_TIMEOUT",
        default=30.0,
        parse=values.milliseconds,
        help="How long one export of logs may take. Plain numbers are milliseconds.",
        right="a duration such as 30s, or a number of milliseconds",
    )
    queue: int | None = setting(
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        default=None,
        parse=values.whole(1),
        help="How many log records may wait in memory; the oldest are dropped and counted.",
        right="a number from 1 on",
        unset="bounded by `WHISPERWATCH_BUFFER_BYTES` alone",
    )
    batch: int = setting(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        default=2048,
        parse=values.whole(1),
        help="How many log records one request carries at most.",
        right="a number from 1 on",
    )
