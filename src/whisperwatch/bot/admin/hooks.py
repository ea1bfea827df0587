"""Where the admin commands take hold of discord.py, and what is said of them at the start."""

from __future__ import annotations

import logging
from typing import Any

from discord import http
from discord.ext import commands
from discord.ext.commands import bot as commands_bot

from whisperwatch.bot.admin import prefix, slash
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.prefixes import needs_content
from whisperwatch.bot.instrument import gateway
from whisperwatch.bot.instrument.patches import Patch
from whisperwatch.questions import BY_NAME, GROUPS


def patches() -> list[Patch]:
    """The patches that the commands need; and the way of interactions is theirs first."""
    gateway.first["INTERACTION_CREATE"] = slash.take
    return [
        Patch(commands_bot.BotBase, "get_context", prefix.get_context),
        Patch(commands_bot.BotBase, "add_command", prefix.add_command),
        Patch(http.HTTPClient, "bulk_upsert_guild_commands", slash.bulk_upsert_guild_commands),
    ]


def stopped() -> None:
    """The patches are undone."""
    gateway.first.pop("INTERACTION_CREATE", None)
    desk.close()


def started(clients: list[Any]) -> None:
    """Say once which ways there are, when a watcher has told who may."""
    if not desk.open:
        return
    for client in clients:
        limited = needs_content(client) and not client.intents.message_content
        desk.say_once(_ways(client), logging.WARNING if limited else logging.INFO)
        if isinstance(client, commands.Bot | commands.AutoShardedBot):
            prefix.say_taken(client.all_commands)


def _ways(client: Any) -> str:
    ways = []
    if isinstance(client, commands.Bot | commands.AutoShardedBot):
        where = "" if client.intents.message_content else (
            " in direct messages and where the bot is mentioned (without the intent message_content Discord shows it "
            "no other message)"
        )  # fmt: skip
        ways.append(f"`{'`, `'.join(BY_NAME)}` and `{GROUPS[0]} …` with the bot's prefix{where}")
    if desk.guild is not None:
        ways.append(f"`/{GROUPS[0]}` in the admin guild, once `whisperwatch sync` has published it")
    ways.append("`whisperwatch health` in a terminal")
    return f"admin commands, for the application's owner or team and whom ADMIN_… adds: {'; '.join(ways)}"
