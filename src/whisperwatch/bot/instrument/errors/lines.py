"""Log lines of libraries that are no errors of the bot, though they are logged as such, or with an exception.

discord.py logs an ordinary reconnect with the whole exception; what it logs as "Ignoring exception in …" was handed to
an error handler before, where it is counted.
"""

from __future__ import annotations

from typing import Final

NO_ERRORS: Final[tuple[tuple[str, str], ...]] = (
    ("discord.client", "Attempting a reconnect in"),
    ("discord.shard", "Attempting a reconnect for shard"),
    ("discord.shard", "Failed to connect for shard_id"),
    ("discord.gateway", "Shard ID"),
    ("discord.gateway", "An error occurred while stopping the gateway"),
    ("discord.voice_state", "Failed to connect to voice... Retrying"),
    ("discord.voice_state", "Disconnected from voice... Reconnecting"),
)
"""Logger's name, and how the message template begins. Read in discord.py 2.4.0 and 2.7.1."""


def is_no_error(logger_name: str, template: object) -> bool:
    """Whether a record of this logger, with this message template (before its arguments are merged), is one."""
    return isinstance(template, str) and any(
        logger_name == name and template.startswith(start) for name, start in NO_ERRORS
    )
