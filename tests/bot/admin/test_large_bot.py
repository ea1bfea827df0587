"""Beside a bot with 95 slash commands of its own, and a cog that takes our names after us: both work as they would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.questions import BY_NAME, GROUPS

Run = Callable[..., Any]
Ask = Callable[..., Any]
TAKEN = (*BY_NAME, GROUPS[0])
OWN = [f"own-{number}" for number in range(95)]


def _namesake(name: str) -> commands.Command[Any, Any, Any]:
    async def answer(self: Any, ctx: commands.Context[Any], *, rest: str = "") -> None:
        await ctx.reply(f"my own {name} {rest}".strip())

    answer.__qualname__ = f"Namesakes.{name}"  # by which discord.py knows a method
    return commands.Command(answer, name=name)


Namesakes = commands.CogMeta(
    "Namesakes", (commands.Cog,), {f"call_{name}": _namesake(name) for name in TAKEN}
)
"""Has a prefix command of each of our names but the second group."""


def _slash(name: str) -> app_commands.Command[Any, Any, Any]:
    async def answer(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message(f"{name} answers")

    return app_commands.Command(name=name, description=name, callback=answer)


async def test_both_work(run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord) -> None:
    home = discord.Object(server.guild("home").id)
    bot = make_bot()
    for name in OWN:
        bot.tree.add_command(_slash(name), guild=home)
    async with run(bot):
        synced = [command.name for command in await bot.tree.sync(guild=home)]
        await bot.add_cog(Namesakes(bot))
        before = sorted(bot.all_commands)
        theirs = {name: await ask("owner", f"!{name} now", None) for name in TAKEN}
        ours = await ask("owner", f"!{GROUPS[1]} health")
        slash = await _used(server, "watch health")
        first, last = await _used(server, OWN[0]), await _used(server, OWN[-1])
        assert sorted(bot.all_commands) == before
        assert {command.name for command in bot.tree.get_commands(guild=home)} == set(OWN)
    assert synced == OWN
    assert {name: answer.content for name, answer in theirs.items()} == {
        name: f"my own {name} now" for name in TAKEN
    }
    assert ours.embeds[0]["title"] == slash.embeds[0]["title"] == "✅ The bot is healthy"
    assert (first.content, last.content) == (f"{OWN[0]} answers", f"{OWN[-1]} answers")
    assert set(bot.invoked) == set(TAKEN)
    assert bot.errors == []


async def _used(server: LoopbackDiscord, command: str) -> Any:
    return await server.reply_to(await server.user("owner").slash(command, None), timeout=15)
