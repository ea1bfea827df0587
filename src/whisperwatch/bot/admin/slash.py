"""`/watch` in the admin guild, and the buttons below answers: taken as they come from the gateway.

`/watch` is ours where the bot has none of its own there. So it works for a plain Client too, and nothing of ours is in
the bot's tree. When the bot syncs that guild, ours goes along, for Discord forgets what isn't named.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import discord
from discord import app_commands

from whisperwatch.bot import guard
from whisperwatch.bot.admin.access import may, may_elsewhere
from whisperwatch.bot.admin.buttons import PREFIX, buttons
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.names import with_names
from whisperwatch.bot.admin.posting import UNSENT, Post, notice, put_in_place, slower
from whisperwatch.questions import BY_NAME, GROUPS, slash_payload

logger = logging.getLogger("whisperwatch")

_COMMAND: Final = 2
_COMPONENT: Final = 3
_TYPING: Final = 4
"""Types of an interaction."""
Answering = Callable[[discord.Client, Any, Any], Coroutine[Any, Any, None]]
_MOST_WORDS: Final = 25
_MOST: Final = 100
"""Commands that Discord takes for one guild."""


def take(client: discord.Client, data: Any) -> bool:
    """Answer an INTERACTION_CREATE that is for us; says whether it was."""
    kind = data.get("type")
    if not desk.open:
        return False
    if kind == _COMPONENT and str(data["data"].get("custom_id", "")).startswith(PREFIX):
        answering: Answering = _press
    elif kind == _TYPING and _is_ours(client, data["data"]):
        answering = _suggest
    elif kind == _COMMAND and _is_ours(client, data["data"]):
        answering = _answer
    else:
        return False
    interaction: discord.Interaction[Any] = discord.Interaction(data=data, state=client._connection)
    desk.work(answering(client, interaction, data["data"]))
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
        if not await may(client, desk.admins, interaction.user, interaction.guild_id):
            desk.refused(interaction.user.id, GROUPS[0])
            post = notice("❌ Not for you", "Only the bot's admins may ask this.")
        else:
            post = await _asked(client, command, interaction.user)
        await put_in_place(interaction, post)
    except UNSENT as error:
        logger.warning("/%s could not be answered: %s", GROUPS[0], type(error).__name__)


async def _suggest(client: discord.Client, interaction: discord.Interaction[Any], command: Any) -> None:
    """Words for an option that is being typed; none for who may not ask."""
    found: list[str] = []
    if await may(client, desk.admins, interaction.user, interaction.guild_id):
        given = (command.get("options") or [{}])[0]
        typed: dict[str, Any] = next((one for one in given.get("options") or () if one.get("focused")), {})
        words = await _words(given.get("name"), typed.get("name"))
        text = str(typed.get("value", "")).lower()
        found = [word for word in words if text in word.lower()][:_MOST_WORDS]
    try:
        choices = [app_commands.Choice(name=word[:100], value=word[:100]) for word in found]
        await interaction.response.autocomplete(choices)
    except UNSENT as error:
        logger.debug("/%s could not be helped with: %s", GROUPS[0], type(error).__name__)


async def _words(question: Any, option: Any) -> Sequence[str]:
    options = BY_NAME[question].options if question in BY_NAME else ()
    suggests = next((one.suggests for one in options if one.name == option), ())
    return await desk.words(suggests) if isinstance(suggests, str) else suggests


async def _press(client: discord.Client, interaction: discord.Interaction[Any], component: Any) -> None:
    """A button below an answer of ours."""
    user = interaction.user
    pressed = buttons.pressed(component["custom_id"])
    try:
        if pressed is None:
            await _aside(
                interaction, notice("❔ Expired", "This button is from before a restart: ask again.")
            )
        elif pressed.asker != user.id or not await may_elsewhere(
            client, desk.admins, user, interaction.guild_id
        ):
            desk.refused(user.id, pressed.question)
            await _aside(interaction, notice("❌ Not for you", "Only who asked may press this."))
        elif (wait_s := desk.wait_s(user.id)) > 0:
            await _aside(interaction, slower(wait_s))
        else:
            await interaction.response.defer()
            answer = await desk.ask(pressed.question, {**pressed.arguments, "by": str(user.id)})
            post = Post.of(answer)
            if _alone(interaction):
                question = BY_NAME.get(pressed.question)
                post = await with_names(client, desk.admins, question, user, post)
            await put_in_place(interaction, post)
    except UNSENT as error:
        logger.warning("a button could not be answered: %s", type(error).__name__)


def _alone(interaction: discord.Interaction[Any]) -> bool:
    """Whether nobody but who pressed the button reads the message that it is on."""
    message = interaction.message
    return interaction.guild_id is None or (message is not None and message.flags.ephemeral)


async def _aside(interaction: discord.Interaction[Any], post: Post) -> None:
    """For who pressed it alone; the message stays as it is."""
    await interaction.response.send_message(embeds=post.embeds, ephemeral=True)


async def _asked(client: discord.Client, command: Any, user: Any) -> Post:
    """Its answer is ephemeral."""
    if (wait_s := desk.wait_s(user.id)) > 0:
        return slower(wait_s)
    given = (command.get("options") or [{}])[0]
    question = BY_NAME.get(given.get("name"))
    if question is None:
        return notice("❔ No answer", "This bot doesn't know the command any more: run `whisperwatch sync`.")
    arguments = {option["name"]: option["value"] for option in given.get("options") or ()}
    post = Post.of(await desk.ask(question.name, {**arguments, "by": str(user.id)}))
    return await with_names(client, desk.admins, question, user, post)
