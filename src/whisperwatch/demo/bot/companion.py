"""The bot itself: its connections, its cogs, and what it says when something went wrong."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from whisperwatch.demo.bot.mind import Mind
from whisperwatch.demo.bot.services import Services

PREFIX = "!"
_COGS = ("talk", "notes", "memories", "moods", "games", "tuning")
_log = logging.getLogger(__name__)


class Companion(commands.Bot):
    """Wren: answers those who mention it or write to it, by its memory, its cache and a language model."""

    services: Services
    mind: Mind

    def __init__(self) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(PREFIX, intents=intents, tree_cls=Tree, help_command=None)

    async def setup_hook(self) -> None:
        """Connect, load the cogs, tell Discord the commands."""
        self.services = await Services.open()
        self.mind = Mind(self.services)
        for cog in _COGS:
            await self.load_extension(f"whisperwatch.demo.bot.{cog}")
        await self.tree.sync()

    async def close(self) -> None:
        """Leave Discord, then the services."""
        await super().close()
        if hasattr(self, "services"):
            await self.services.close()

    async def on_command_error(self, context: commands.Context[Any], error: commands.CommandError, /) -> None:
        """Tell the user what they can do about it; log what only we can."""
        if context.command is not None and context.command.has_error_handler():
            return
        if isinstance(error, commands.CommandInvokeError | commands.HybridCommandError):
            _log.error("command %s failed", context.command, exc_info=error)
            await context.reply("Something broke in me. I wrote it down.")
        elif isinstance(error, commands.CommandNotFound):
            await context.reply(f"I don't know {PREFIX}{context.invoked_with}.")
        else:
            await context.reply(str(error))


class Tree(app_commands.CommandTree[Companion]):
    """The slash commands, with an answer for those that fail."""

    async def on_error(
        self, interaction: discord.Interaction[Companion], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell the user, log what only we can mend."""
        text = str(error)
        if isinstance(error, app_commands.CommandInvokeError):
            _log.error("command %s failed", interaction.command, exc_info=error)
            text = "Something broke in me. I wrote it down."
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
