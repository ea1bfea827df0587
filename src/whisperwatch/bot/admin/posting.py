"""From an answer to what is posted; where the watcher gives none, what is said instead."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import discord

from whisperwatch.questions import GROUPS, QUESTIONS

logger = logging.getLogger("whisperwatch")

_RED, _GREY = 0xE74C3C, 0x95A5A6
_MARKDOWN = re.compile(r"([\\*_~`|>])")
UNSENT: Final = (discord.HTTPException, OSError)
"""What is raised when something can't be posted: Discord is away, or doesn't let the bot."""
_LONGEST: Final = 2000
"""Of a message's text."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted: embeds, or `text` where embeds may not be sent."""

    embeds: list[discord.Embed] = field(default_factory=list)
    text: str = ""

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Post:
        """Of an ANSWER."""
        error = answer.get("error")
        if error is None:
            return cls([discord.Embed.from_dict(embed) for embed in answer["embeds"]], answer["text"])
        if "silent_since" in answer:
            return _silent(str(error), answer["silent_since"])
        return notice("❔ No answer", str(error))

    @property
    def plain(self) -> str:
        """The text as a message."""
        text = self.text.replace("```", "'''")
        room = _LONGEST - len("```\n\n```")
        return f"```\n{text if len(text) <= room else text[: room - 1] + '…'}\n```"


def notice(title: str, text: str, colour: int = _GREY) -> Post:
    """A short text of ours."""
    return Post([discord.Embed(title=title, description=text, colour=colour)], f"{title}\n{text}")


def escaped(text: str) -> str:
    """Text that Discord shows as it is. discord.py's own is deprecated code on Python 3.13, and warns."""
    return _MARKDOWN.sub(r"\\\1", text)


def listing() -> Post:
    """The commands that there are."""
    lines = [(f"{GROUPS[0]} {question.usage}", question.help) for question in QUESTIONS]
    shown = "\n".join(f"**{escaped(usage)}**\n{text}" for usage, text in lines)
    plain = "\n".join(f"{usage}: {text}" for usage, text in lines)
    return Post([discord.Embed(title="What can be asked", description=shown, colour=_GREY)], plain)


async def reply(message: discord.Message, post: Post) -> None:
    """Answer a message where it was written, without a ping."""
    channel = message.channel
    options: dict[str, Any] = {
        "reference": message.to_reference(fail_if_not_exists=False),
        "mention_author": False,
        "allowed_mentions": discord.AllowedMentions.none(),
    }
    try:
        if post.embeds and _may_embed(message):
            await channel.send(embeds=post.embeds, **options)
        else:
            await channel.send(post.plain, **options)
    except UNSENT as error:
        logger.warning("an admin command could not be answered in its channel: %s", type(error).__name__)


async def send_privately(user: Any, post: Post) -> Post:
    """Send it by direct message; what is said of that in the channel."""
    try:
        await user.send(embeds=post.embeds, allowed_mentions=discord.AllowedMentions.none())
    except UNSENT as error:
        logger.warning("an admin command could not be answered by direct message: %s", type(error).__name__)
        return notice(
            "❔ Your inbox is closed",
            "This answer goes by direct message, and Discord does not deliver it. Allow direct messages from this "
            f"server, ask by `/{GROUPS[0]}`, or in a channel that ADMIN_CHANNEL_IDS names.",
        )
    return notice("Sent to you", "The answer is in your direct messages.")


def _may_embed(message: discord.Message) -> bool:
    if message.guild is None or message.guild.me is None:
        return True
    try:
        return bool(message.channel.permissions_for(message.guild.me).embed_links)
    except discord.ClientException:  # a thread whose channel isn't known
        return True


def _silent(why: str, since: float | None) -> Post:
    title = "❌ The monitor does not answer"
    if since is None:
        return notice(title, why, _RED)
    rest = f"{why}\nThe bot itself works: this is its answer."
    made = notice(title, f"Since <t:{int(since)}:T> (<t:{int(since)}:R>). {rest}", _RED)
    at = datetime.fromtimestamp(since, UTC)
    return Post(made.embeds, f"{title}\nSince {at:%Y-%m-%d %H:%M:%S} UTC. {rest}")
