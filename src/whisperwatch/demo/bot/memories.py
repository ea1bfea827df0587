"""Memories: slash commands with autocomplete, context menus, and the job that consolidates what was said."""

from __future__ import annotations

import gc
import os

import discord
from discord import app_commands
from discord.ext import commands, tasks

from whisperwatch.demo.bot.companion import Companion

EVERY_S = float(os.environ.get("COMPANION_CONSOLIDATE_S", "30"))
_CHOICES = 5


class Memories(commands.Cog):
    """`/remember`, `/recall`, "Remember this", "Who is this?", and the consolidation."""

    def __init__(self, bot: Companion) -> None:
        self.bot = bot
        self.tidies = False
        """Whether the job gives back memory too."""
        self.menus: tuple[app_commands.ContextMenu, ...] = (
            app_commands.ContextMenu(name="Remember this", callback=self.remember_this),
            app_commands.ContextMenu(name="Who is this?", callback=self.who_is_this),
        )

    async def cog_load(self) -> None:
        """Menus can't be declared in a cog; they are added here."""
        for menu in self.menus:
            self.bot.tree.add_command(menu)
        self.consolidate.start()

    async def cog_unload(self) -> None:
        """Stop the job."""
        self.consolidate.cancel()

    @app_commands.command(description="Have me remember something.")
    async def remember(self, interaction: discord.Interaction[Companion], text: str) -> None:
        """Keep a memory."""
        await self._keep(interaction.user, text, interaction.id)
        await interaction.response.send_message("I'll remember that.")

    @app_commands.command(description="What do I remember of it?")
    async def recall(self, interaction: discord.Interaction[Companion], about: str) -> None:
        """The nearest memories."""
        found = await self.bot.mind.recall(interaction.user.id, about)
        await interaction.response.send_message("\n".join(found) or "Nothing comes to mind.")

    @recall.autocomplete("about")
    async def _recent(
        self, interaction: discord.Interaction[Companion], current: str
    ) -> list[app_commands.Choice[str]]:
        rows = await self.bot.services.pool.fetch(
            "SELECT DISTINCT said FROM turns WHERE person = $1 AND said ILIKE $2 LIMIT $3",
            interaction.user.id, f"%{current}%", _CHOICES,
        )  # fmt: skip
        return [app_commands.Choice(name=row["said"][:100], value=row["said"][:100]) for row in rows]

    async def remember_this(
        self, interaction: discord.Interaction[Companion], message: discord.Message
    ) -> None:
        """Keep somebody's message as a memory."""
        await self._keep(interaction.user, message.content or "a silence", message.id)
        await interaction.response.send_message("I'll remember that.", ephemeral=True)

    async def who_is_this(self, interaction: discord.Interaction[Companion], member: discord.Member) -> None:
        """When we met."""
        met = await self.bot.services.pool.fetchval("SELECT met FROM people WHERE id = $1", member.id)
        text = f"We met on {met:%d %B}." if met else "We haven't met."
        await interaction.response.send_message(text, ephemeral=True)

    @tasks.loop(seconds=EVERY_S)
    async def consolidate(self) -> None:
        """Mark what has been said as digested, and tidy up where that is wanted."""
        async with self.bot.services.pool.acquire() as connection, connection.transaction():
            done = await connection.execute("UPDATE turns SET consolidated = true WHERE NOT consolidated")
            await connection.execute("INSERT INTO consolidations (turns) VALUES ($1)", int(done.split()[1]))
        if self.tidies:
            gc.collect()

    @consolidate.before_loop
    async def _ready(self) -> None:
        await self.bot.wait_until_ready()

    async def _keep(self, person: discord.User | discord.Member, text: str, number: int) -> None:
        await self.bot.services.meet(person.id, person.name)
        await self.bot.mind.remember(person.id, text, number)


async def setup(bot: Companion) -> None:
    """discord.py's entry point of an extension."""
    await bot.add_cog(Memories(bot))
