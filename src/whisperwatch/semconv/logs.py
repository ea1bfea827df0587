"""What is recorded of log records, and the part of a bot that a logger belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whisperwatch.semconv.errors import COMPONENTS
from whisperwatch.semconv.model import Attribute

CODE_FILE = "code.file.path"
CODE_LINE = "code.line.number"
CODE_FUNCTION = "code.function.name"
EVENT_NAME = "event.name"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"

LOG_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(CODE_FILE, "The source file that logged."),
    Attribute(CODE_LINE, "The line."),
    Attribute(CODE_FUNCTION, "The function."),
    Attribute(EVENT_NAME, "The name of an event that is no ordinary log line, such as `bot.error`."),
    Attribute(EXCEPTION_TYPE, "The exception's type."),
    Attribute(EXCEPTION_MESSAGE, "The exception's text, the user's own words masked and secrets redacted."),
    Attribute(EXCEPTION_STACKTRACE, "The exception's frames, innermost last, and those of what caused it."),
)

EVENT_ERROR: Final = "bot.error"
"""The event name of the log record that tells of an error which was counted, and not logged by the bot itself."""
EVENT_SECURITY: Final = "bot.security"
"""The event name of the log record that tells of a security event, with its `bot.security.…` attributes."""

COMPONENT_OF_LOGGER: Final[Mapping[str, str]] = {
    "discord": "discord",
    "asyncpg": "database",
    "psycopg": "database",
    "sqlalchemy": "database",
    "redis": "cache",
    "openai": "llm",
    "anthropic": "llm",
    "chromadb": "memory",
    "qdrant_client": "memory",
    "httpx": "network",
    "httpx2": "network",
    "httpcore": "network",
    "aiohttp": "network",
    "urllib3": "network",
    "apscheduler": "tasks",
    "arq": "tasks",
}
"""By the beginning of a logger's name. `LOG_COMPONENTS` adds to it and wins."""


def component_of_logger(name: str, added: Mapping[str, str] | None = None) -> str | None:
    """The component of a logger: that of the longest prefix that is listed; None where none is."""
    while name:
        found = (added or {}).get(name) or COMPONENT_OF_LOGGER.get(name)
        if found is not None:
            return found
        name = name.rpartition(".")[0]
    return None


def components_of(text: str) -> dict[str, str]:
    """What `LOG_COMPONENTS` says: `mybot.brain=llm,mybot.db=database`.

    Raises:
        ValueError: an item has no `=`, or names no component.
    """
    found = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, component = (part.strip() for part in item.partition("="))
        if not name or component not in COMPONENTS:
            raise ValueError(f"has {item!r}, which is no logger=component")
        found[name] = component
    return found
