"""Whether a bot has commands that it can only read with the intent message_content."""

from __future__ import annotations

from typing import Any

from discord.ext import commands


def needs_content(client: Any) -> bool:
    """Whether it has prefix commands beside the help command, under another prefix than its mention."""
    if not isinstance(client, commands.Bot | commands.AutoShardedBot):
        return False
    if client.command_prefix is commands.when_mentioned:
        return False
    return len(client.all_commands) > (client.help_command is not None)
