"""Whether a bot has commands that it can only read with the intent message_content."""

from __future__ import annotations

from typing import Any

from discord.ext import commands


def lacks(client: Any) -> dict[str, str]:
    """The privileged intent that the client didn't ask for though it has what needs it, and why it does."""
    if client.intents.message_content or not needs_content(client):
        return {}
    return {"message_content": "prefix commands in guilds are never seen"}


def needs_content(client: Any) -> bool:
    """Whether it has prefix commands beside the help command, under another prefix than its mention."""
    if not isinstance(client, commands.Bot | commands.AutoShardedBot):
        return False
    if client.command_prefix is commands.when_mentioned:
        return False
    return len(client.all_commands) > (client.help_command is not None)
