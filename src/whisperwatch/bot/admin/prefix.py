"""Our commands with the bot's own prefix: found where the bot finds none, and run past what it does around its own.

What the bot does around its commands (checks, hooks before and after, listeners) may need what is just broken.
"""

from __future__ import annotations

import logging
import shlex
from typing import Any

import discord
from discord.ext import commands

from whisperwatch.bot import guard
from whisperwatch.bot.admin.access import may
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.names import with_names
from whisperwatch.bot.admin.posting import Post, listing, notice, reply, send_privately, slower
from whisperwatch.questions import BY_NAME, GROUPS, WrongWordsError, arguments, names

_NAMES = frozenset(names())


class AdminCommand(commands.Command[Any, ..., Any]):
    """What `ctx.command` is for an admin. Registered nowhere."""

    is_whisperwatch = True

    async def invoke(self, ctx: commands.Context[Any], /) -> None:
        """Answer, without anything that the bot does around a command of its own."""
        words = _words(ctx.view.read_rest())
        if self.name not in GROUPS:
            words = [self.name, *words]
        desk.work(_answer(ctx.bot, ctx.message, words))

    async def can_run(self, ctx: commands.Context[Any], /) -> bool:
        """Who gets it has been checked."""
        return True


async def _callback(ctx: commands.Context[Any]) -> None:
    """`AdminCommand.invoke` answers."""


_COMMANDS = {
    name: AdminCommand(_callback, name=name, hidden=True, help=f"Whisperwatch: {name}") for name in _NAMES
}


def get_context(original: Any) -> Any:
    """`BotBase.get_context`: where a message's command is looked up."""

    async def get_context(self: Any, origin: Any, /, **options: Any) -> Any:
        ctx = await original(self, origin, **options)
        if ctx.command is None and ctx.invoked_with and desk.open:
            try:
                await _look(self, ctx)
            except Exception:
                guard.failed("admin command")
        return ctx

    return get_context


def add_command(original: Any) -> Any:
    """`BotBase.add_command`: the bot takes a name."""

    def add_command(self: Any, command: Any, /) -> None:
        original(self, command)
        try:
            if desk.open:
                say_taken([command.name, *command.aliases])
        except Exception:
            guard.failed("admin command")

    return add_command


def say_taken(taken: Any) -> None:
    """Say once of each name that the bot uses itself how ours is called instead."""
    for name in _NAMES.intersection(taken):
        instead = f"{GROUPS[1]} …" if name in GROUPS else f"{GROUPS[0]} {name}"
        text = f"the bot has a command {name!r} of its own: the admin command is `{instead}` instead"
        desk.say_once(text, logging.WARNING)


async def _look(client: Any, ctx: Any) -> None:
    name = ctx.invoked_with.lower() if client.case_insensitive else ctx.invoked_with
    message = ctx.message
    if name not in _NAMES or not isinstance(message, discord.Message) or message.webhook_id is not None:
        return
    if not ctx.prefix and not _is_question(name, ctx.view.buffer[ctx.view.index :]):
        return  # a bot without a prefix: an admin may talk of health too
    guild_id = None if message.guild is None else message.guild.id
    if await may(client, desk.admins, message.author, guild_id):
        ctx.command = _COMMANDS[name]
    else:
        desk.refused(message.author.id, name)


def _is_question(name: str, rest: str) -> bool:
    """Whether this is a question and nothing but. One that takes any words has to be `watch …`."""
    if name in BY_NAME and any(option.kind == "rest" for option in BY_NAME[name].options):
        return False
    words = _words(rest) if name in GROUPS else [name, *_words(rest)]
    try:
        arguments(BY_NAME[words[0].lower()], words[1:])
    except (LookupError, WrongWordsError):
        return False
    return True


async def _answer(client: Any, message: discord.Message, words: list[str]) -> None:
    if (wait_s := desk.wait_s(message.author.id)) > 0:
        await reply(message, slower(wait_s))
        return
    question = BY_NAME.get(words[0].lower()) if words else None
    if question is None:
        await reply(message, listing())
        return
    try:
        given = arguments(question, words[1:])
    except WrongWordsError as error:
        await reply(message, notice("❔ Not understood", str(error)))
        return
    post = Post.of(await desk.ask(question.name, {**given, "by": str(message.author.id)}))
    if message.guild is None:
        post = await with_names(client, desk.admins, question, message.author, post)
    elif question.private and message.channel.id not in desk.admins.channels:
        post = await with_names(client, desk.admins, question, message.author, post)
        post = await send_privately(message.author, post)
    await reply(message, post)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quotation mark without its other half
        return text.split()
