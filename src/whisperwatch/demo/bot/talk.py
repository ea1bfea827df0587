"""Conversation: what the companion says to those who mention it or write to it."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from whisperwatch.demo.bot.companion import PREFIX, Companion


class Talk(commands.Cog):
    """Mention or direct message → memory → cache → model → record → reply."""

    def __init__(self, bot: Companion) -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer, where it was meant for us."""
        if message.author.bot or message.content.startswith(PREFIX) or not self._for_us(message):
            return
        text = message.content.replace(f"<@{self.bot.application_id}>", "").strip() or "hello"
        async with message.channel.typing():
            answer = await self.answer(message.author, text)
        await message.reply(answer)

    @app_commands.command(description="Ask me anything, quietly.")
    async def ask(self, interaction: discord.Interaction[Companion], question: str) -> None:
        """A question as a slash command: deferred, since a model takes its time."""
        await interaction.response.defer(thinking=True)
        await interaction.followup.send(await self.answer(interaction.user, question))

    async def answer(self, person: discord.User | discord.Member, text: str) -> str:
        """Think of an answer, and keep the turn."""
        services = self.bot.services
        await services.meet(person.id, person.name)
        answer = await self.bot.mind.answer(person.id, text)
        turn = await services.pool.fetchval(
            "INSERT INTO turns (person, said, answer) VALUES ($1, $2, $3) RETURNING id",
            person.id,
            text,
            answer,
        )
        await self.bot.mind.remember(person.id, text, turn)
        return answer

    def _for_us(self, message: discord.Message) -> bool:
        return message.guild is None or (self.bot.user is not None and self.bot.user in message.mentions)


async def setup(bot: Companion) -> None:
    """discord.py's entry point of an extension."""
    await bot.add_cog(Talk(bot))
