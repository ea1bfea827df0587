"""Names of servers and channels in place of their keyed hashes: put in here, where an answer is posted.

The watcher and what it keeps know no names. The bot's process does, and makes the same hashes of the ids that it has.
Only the bot's owner gets them, and only where nobody else reads the answer: an admin of one server is not to see
another's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import discord

from whisperwatch.bot import guard
from whisperwatch.bot.admin.access import Admins, owns
from whisperwatch.bot.admin.posting import Post, escaped
from whisperwatch.bot.recording.readable import recorder_ids
from whisperwatch.questions import Question

_PLACE: Final = re.compile(r"\b(server|channel) ([0-9a-f]{16,20})\b")
"""As `answers.places` writes them; an id itself, where the operator lets them out, has 17 to 20 digits."""
_AT_ONCE: Final = 500
"""Ids that are hashed before others get their turn on the loop: less than a millisecond."""
_LONGEST: Final = 40
_FIELD: Final = 1024
"""Of a field's value, Discord's limit."""


async def with_names(
    client: discord.Client, admins: Admins, question: Question | None, user: Any, post: Post
) -> Post:
    """What is posted where this user alone reads it."""
    try:
        if question is not None and question.names and await owns(client, admins, user):
            return await _named(client, post)
    except Exception:
        guard.failed("admin names")
    return post


async def _named(client: discord.Client, post: Post) -> Post:
    embeds = [embed.to_dict() for embed in post.embeds]
    wanted = {hashed for text in (post.text, *_texts(embeds)) for _, hashed in _PLACE.findall(text)}
    guilds = await _found(client.guilds, wanted)
    names = {("server", hashed): guild.name for hashed, guild in guilds.items()}
    for guild in guilds.values():
        channels = await _found((*guild.channels, *guild.threads), wanted)
        names |= {("channel", hashed): f"#{channel.name}" for hashed, channel in channels.items()}

    def put_in(text: str, shown: Any = str) -> str:
        return _PLACE.sub(lambda match: shown(_short(names.get((match[1], match[2])), match[0])), text)

    for embed in embeds:
        for field in embed.get("fields", ()):
            field["value"] = put_in(field["value"], escaped)[:_FIELD]
    return replace(post, embeds=[discord.Embed.from_dict(one) for one in embeds], text=put_in(post.text))


async def _found(things: Iterable[Any], wanted: set[str]) -> dict[str, Any]:
    """Those of whose ids the hashes are wanted, by these."""
    found = {}
    for number, thing in enumerate(list(things), 1):
        hashed = recorder_ids.show(thing.id)
        if hashed in wanted:
            found[hashed] = thing
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


def _texts(embeds: Iterable[Any]) -> Iterable[str]:
    return (field["value"] for embed in embeds for field in embed.get("fields", ()))


def _short(name: str | None, unknown: str) -> str:
    """A name in one short line; what isn't known here, such as another process' server, stays as it is."""
    return unknown if name is None else " ".join(name.split())[:_LONGEST]
