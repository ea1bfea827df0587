"""Moods: buttons, a modal, and a hybrid command."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from whisperwatch.demo.bot.companion import Companion
from whisperwatch.demo.bot.services import Services

Interaction = discord.Interaction[Companion]


class MoodView(discord.ui.View):
    """How are you?"""

    def __init__(self, services: Services) -> None:
        super().__init__(timeout=None)
        self.services = services

    @discord.ui.button(label="good", custom_id="mood:good")
    async def good(self, interaction: Interaction, button: discord.ui.Button[MoodView]) -> None:
        """Good."""
        await self._keep(interaction, "good", "Lovely to hear!")

    @discord.ui.button(label="bad", custom_id="mood:bad")
    async def bad(self, interaction: Interaction, button: discord.ui.Button[MoodView]) -> None:
        """Bad."""
        await self._keep(interaction, "bad", "I'm here. Tell me?")

    async def _keep(self, interaction: Interaction, mood: str, text: str) -> None:
        await self.services.meet(interaction.user.id, interaction.user.name)
        await self.services.pool.execute(
            "INSERT INTO moods (person, mood) VALUES ($1, $2)", interaction.user.id, mood
        )
        await interaction.response.send_message(text, ephemeral=True)


class FeedbackModal(discord.ui.Modal, title="How am I doing?"):
    """One text."""

    text: discord.ui.TextInput[FeedbackModal] = discord.ui.TextInput(
        label="Tell me", custom_id="feedback:text"
    )

    def __init__(self, services: Services) -> None:
        super().__init__(timeout=300)
        self.services = services

    async def on_submit(self, interaction: discord.Interaction[discord.Client], /) -> None:
        """Keep it."""
        await self.services.meet(interaction.user.id, interaction.user.name)
        await self.services.pool.execute(
            "INSERT INTO feedback (person, text) VALUES ($1, $2)", interaction.user.id, self.text.value
        )
        await interaction.response.send_message("Thank you!", ephemeral=True)


class Moods(commands.Cog):
    """`/mood`, `/feedback`, and `profile` both ways."""

    def __init__(self, bot: Companion) -> None:
        self.services = bot.services

    @app_commands.command(description="Tell me how you are.")
    async def mood(self, interaction: Interaction) -> None:
        """Ask with buttons."""
        await interaction.response.send_message("How are you?", view=MoodView(self.services))

    @app_commands.command(description="Tell me how I am doing.")
    async def feedback(self, interaction: Interaction) -> None:
        """Ask with a form."""
        await interaction.response.send_modal(FeedbackModal(self.services))

    @commands.hybrid_command(description="What I know of you.")  # type: ignore[arg-type]
    async def profile(self, ctx: commands.Context[Any]) -> None:
        """Turns, notes and moods of the one who asks."""
        row = await self.services.pool.fetchrow(
            "SELECT (SELECT count(*) FROM turns WHERE person = $1) AS turns, "
            "(SELECT count(*) FROM notes WHERE person = $1) AS notes, "
            "(SELECT mood FROM moods WHERE person = $1 ORDER BY at DESC LIMIT 1) AS mood",
            ctx.author.id,
        )
        mood = row["mood"] or "unknown"
        await ctx.reply(f"{row['turns']} talks, {row['notes']} notes, mood: {mood}")


async def setup(bot: Companion) -> None:
    """discord.py's entry point of an extension."""
    await bot.add_cog(Moods(bot))
