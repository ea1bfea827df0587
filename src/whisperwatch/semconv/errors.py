"""What is recorded of errors: how many, of what kind, how bad, and where."""

from __future__ import annotations

from whisperwatch.semconv.attributes import BOT_NAME
from whisperwatch.semconv.model import Attribute, Metric

ERROR_CATEGORY = "bot.error.category"
ERROR_SEVERITY = "bot.error.severity"
COMPONENT = "bot.component"
DEGRADED = "bot.degraded"

CATEGORIES = ("ai", "system", "user", "network")
"""`ai`: the language model's API; `system`: stores, files, the process, the bot's own code; `user`: a user's input,
permission or cooldown; `network`: the wire, where none of the others is behind it."""
SEVERITIES = ("critical", "high", "medium", "low")
"""`critical`: everything fails until somebody acts; `high`: users notice; `medium`: it works less well; `low`: expected
at the edges."""
COMPONENTS = (
    "llm",
    "database",
    "memory",
    "cache",
    "discord",
    "network",
    "system",
    "tasks",
    "security",
    "bot",
)
"""Parts of a bot that errors, logs and health tell apart; `bot` is its own code."""

ERROR_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(ERROR_CATEGORY, "What kind of error it is.", CATEGORIES),
    Attribute(ERROR_SEVERITY, "How bad it is.", SEVERITIES),
    Attribute(COMPONENT, "The part of the bot that it belongs to.", COMPONENTS),
    Attribute(DEGRADED, "True where something failed on the way, and the user still got an answer."),
)

ERRORS = Metric(
    "bot.errors", "counter", "{error}",
    "Errors, also those that the bot catches: each exception once, however many layers log it.",
    (BOT_NAME, ERROR_CATEGORY, ERROR_SEVERITY, COMPONENT),
)  # fmt: skip
