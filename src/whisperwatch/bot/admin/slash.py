"""`/watch` in the admin guild: taken as it comes from the gateway, where the bot has no `/watch` of its own there.

So it works for a plain Client too, and nothing of ours is in the bot's tree. When the bot syncs that guild, ours goes
along, for Discord forgets what isn't named.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import discord

from whisperwatch.bot import guard
from whisperwatch.bot.admin.access import may
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.posting import UNSENT, Post, notice
from whisperwatch.questions import BY_NAME, GROUPS, slash_payload

logger = logging.getLogger("whisperwatch")

_COMMAND: Final = 2
"""An interaction's type."""
_MOST: Final = 100
"""Commands that Discord takes for one guild."""


def take(client: discord.Client, data: Any) -> bool:
    """Answer an INTERACTION_CREATE that is for us; says whether it was."""
    if data.get("type") != _COMMAND or not desk.open or not _is_ours(client, data["data"]):
        return False
    interaction: discord.Interaction[Any] = discord.Interaction(data=data, state=client._connection)
    desk.work(_answer(client, interaction, data["data"]))
    return True


def bulk_upsert_guild_commands(original: Any) -> Any:
    """`HTTPClient.bulk_upsert_guild_commands`: how a tree is synced to a guild."""

    def bulk_upsert_guild_commands(self: Any, application_id: Any, guild_id: Any, payload: Any) -> Any:
        try:
            goes_along = guild_id == desk.guild and len(payload) < _MOST and not any(map(_is_named, payload))
        except Exception:
            guard.failed("admin sync")
            goes_along = False
        if not goes_along:
            return original(self, application_id, guild_id, payload)
        return _without_ours(original(self, application_id, guild_id, [*payload, slash_payload()]))

    return bulk_upsert_guild_commands


async def _without_ours(synced: Any) -> Any:
    """The bot hears of what it has synced itself."""
    return [command for command in await synced if not _is_named(command)]


def _is_named(command: Any) -> bool:
    return bool(command["name"] == GROUPS[0]) and command.get("type", 1) == 1


def _is_ours(client: discord.Client, command: Any) -> bool:
    guild = desk.admins.guild
    if guild is None or not _is_named(command) or command.get("guild_id") != str(guild):
        return False
    tree = client._connection._command_tree
    return tree is None or tree.get_command(GROUPS[0], guild=discord.Object(guild)) is None


async def _answer(client: discord.Client, interaction: discord.Interaction[Any], command: Any) -> None:
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
        if await may(client, desk.admins, interaction.user, interaction.guild_id):
            post = await _asked(command, interaction.user)
        else:
            post = notice("❌ Not for you", "Only the bot's admins may ask this.")
        await interaction.edit_original_response(embeds=post.embeds)
    except UNSENT as error:
        logger.warning("/%s could not be answered: %s", GROUPS[0], type(error).__name__)


async def _asked(command: Any, user: Any) -> Post:
    given = (command.get("options") or [{}])[0]
    question = BY_NAME.get(given.get("name"))
    if question is None:
        return notice("❔ No answer", "This bot doesn't know the command any more: run `whisperwatch sync`.")
    arguments = {option["name"]: option["value"] for option in given.get("options") or ()}
    return Post.of(await desk.ask(question.name, {**arguments, "by": str(user.id)}))
