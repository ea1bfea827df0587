"""Small things, some of which go wrong as such things do: a cooldown, a permission, two bugs."""

from __future__ import annotations

import random
import re
from typing import Annotated, Any

from discord.ext import commands

from whisperwatch.demo.bot.companion import Companion

Context = commands.Context[Any]
_DICE = re.compile(r"([1-9]\d?)d([1-9]\d{0,2})")
_CARDS = ("the lighthouse", "the fox", "the unopened letter", "the well")
_FORECASTS = {"here": "rain, then a rainbow", "there": "sun", "elsewhere": "snow"}
_DAY_S = 86_400


class Dice(commands.Converter[tuple[int, int]]):
    """`2d6`: how many, with how many sides."""

    async def convert(self, ctx: Context, argument: str) -> tuple[int, int]:
        """Number and sides.

        Raises:
            BadArgument: it reads otherwise.
        """
        found = _DICE.fullmatch(argument)
        if found is None:
            raise commands.BadArgument(f"{argument} is no dice. Try 2d6.")
        return int(found[1]), int(found[2])


class Games(commands.Cog):
    """`!ping`, `!roll`, `!daily`, `!tidy`, `!oracle`, `!weather`."""

    def __init__(self, bot: Companion) -> None:
        self.bot = bot

    @commands.command()
    async def ping(self, ctx: Context) -> None:
        """Whether the bot is there."""
        await ctx.reply("pong")

    @commands.command()
    async def roll(self, ctx: Context, dice: Annotated[tuple[int, int], Dice]) -> None:
        """Roll dice."""
        number, sides = dice
        rolled = [random.randint(1, sides) for _ in range(number)]
        await ctx.reply(f"{' + '.join(map(str, rolled))} = {sum(rolled)}")

    @commands.command()
    @commands.cooldown(1, _DAY_S, commands.BucketType.user)
    async def daily(self, ctx: Context) -> None:
        """A star a day."""
        await self.bot.services.meet(ctx.author.id, ctx.author.name)
        stars = await self.bot.services.pool.fetchval(
            "UPDATE people SET daily = daily + 1 WHERE id = $1 RETURNING daily", ctx.author.id
        )
        await ctx.reply(f"★ number {stars}")

    @commands.command()
    @commands.has_permissions(manage_messages=True)
    async def tidy(self, ctx: Context) -> None:
        """Throw all notes away: only for those who keep order here."""
        await self.bot.services.pool.execute("DELETE FROM notes")
        await ctx.reply("All tidy.")

    @commands.command()
    async def oracle(self, ctx: Context, *, question: str) -> None:
        """Draw a card. The bug: one question in five draws a card that isn't in the deck."""
        await ctx.reply(f"The card is {_CARDS[len(question) % 5]}.")

    @commands.command()
    async def weather(self, ctx: Context, place: str) -> None:
        """The weather. The bug: places that it doesn't know."""
        await ctx.reply(_FORECASTS[place])

    @weather.error
    async def _never_mind(self, ctx: Context, error: commands.CommandError) -> None:
        """Swallow it: nobody will know. (A monitor that looks only at error handlers won't.)"""


async def setup(bot: Companion) -> None:
    """discord.py's entry point of an extension."""
    await bot.add_cog(Games(bot))
