"""Notes: a group of prefix commands over one table, with a converter."""

from __future__ import annotations

from typing import Annotated, Any

from discord.ext import commands

from whisperwatch.demo.bot.companion import Companion

Context = commands.Context[Any]


class NoteNumber(commands.Converter[int]):
    """`#3` or `3`."""

    async def convert(self, ctx: commands.Context[Any], argument: str) -> int:
        """The number.

        Raises:
            BadArgument: it isn't one.
        """
        digits = argument.removeprefix("#")
        if not digits.isdecimal():
            raise commands.BadArgument(f"{argument} is no number of a note. Try #1.")
        return int(digits)


class Notes(commands.Cog):
    """`!note add`, `!note list`, `!note drop`."""

    def __init__(self, bot: Companion) -> None:
        self.services = bot.services
        self.meet = bot.services.meet

    @commands.group(invoke_without_command=True)
    async def note(self, ctx: Context) -> None:
        """How notes work."""
        await ctx.reply("!note add <text>, !note list, !note drop <number>")

    @note.command()  # type: ignore[arg-type]  # mypy and groups
    async def add(self, ctx: Context, *, text: str) -> None:
        """Keep a note."""
        await self.meet(ctx.author.id, ctx.author.name)
        async with self.services.pool.acquire() as connection, connection.transaction():
            number = await connection.fetchval(
                "INSERT INTO notes (person, text) VALUES ($1, $2) RETURNING id", ctx.author.id, text
            )
        await ctx.reply(f"Noted as #{number}.")

    @note.command(name="list")  # type: ignore[arg-type]
    async def list_(self, ctx: Context) -> None:
        """Your latest notes."""
        rows = await self.services.pool.fetch(
            "SELECT id, text FROM notes WHERE person = $1 ORDER BY id DESC LIMIT 5", ctx.author.id
        )
        await ctx.reply("\n".join(f"#{row['id']} {row['text']}" for row in rows) or "No notes yet.")

    @note.command()  # type: ignore[arg-type]
    async def drop(self, ctx: Context, number: Annotated[int, NoteNumber]) -> None:
        """Throw a note of yours away."""
        done = await self.services.pool.execute(
            "DELETE FROM notes WHERE id = $1 AND person = $2", number, ctx.author.id
        )
        await ctx.reply("Gone." if done == "DELETE 1" else "You have no such note.")


async def setup(bot: Companion) -> None:
    """discord.py's entry point of an extension."""
    await bot.add_cog(Notes(bot))
