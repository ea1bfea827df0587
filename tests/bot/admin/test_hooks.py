"""What takes hold of discord.py lets go of it again."""

from __future__ import annotations

from pathlib import Path

from discord import http
from discord.ext.commands import bot as commands_bot

from whisperwatch.bot import watch as watching
from whisperwatch.bot.admin import desk
from whisperwatch.bot.admin.desk import Desk
from whisperwatch.bot.instrument import gateway


def test_it_is_undone(watcher: Path) -> None:
    patched = commands_bot.BotBase.get_context, http.HTTPClient.bulk_upsert_guild_commands
    assert gateway.first
    watching.uninstrument()
    assert gateway.first == {}
    assert not desk.open
    assert commands_bot.BotBase.get_context is not patched[0]
    assert http.HTTPClient.bulk_upsert_guild_commands is not patched[1]
    assert commands_bot.BotBase.get_context.__module__ == "discord.ext.commands.bot"


def test_nobody_may_before_a_watcher_has_told() -> None:
    made = Desk()
    assert (made.open, made.admins.guild, made.admins.roles, made.admins.users) == (
        False,
        None,
        frozenset(),
        frozenset(),
    )


async def test_a_desk_that_is_closed_says_so() -> None:
    answer = await Desk().ask("health", {})
    assert answer["error"] == "The monitor is off."
