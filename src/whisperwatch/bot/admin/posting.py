"""From an answer to what is posted; where the watcher gives none, what is said instead."""

from __future__ import annotations

import io
import logging
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import discord

from whisperwatch.bot.admin.buttons import buttons
from whisperwatch.questions import GROUPS, QUESTIONS

logger = logging.getLogger("whisperwatch")

_RED, _GREY = 0xE74C3C, 0x95A5A6
_MARKDOWN = re.compile(r"(`[^`\n@]{1,200}`)|([\\*_~`|<>\[\]#])")
"""What is between two backticks is code, in which all else is itself; a mark elsewhere."""
UNSENT: Final = (discord.HTTPException, OSError)
"""What is raised when something can't be posted: Discord is away, or doesn't let the bot."""
_LONGEST: Final = 2000
"""Of a message's text."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted: embeds, or `text` where embeds may not be sent; files and buttons with either.

    Attributes:
        instead: what is posted where files may not be attached; None: the same without them, which is said.
    """

    embeds: list[discord.Embed] = field(default_factory=list)
    text: str = ""
    files: Sequence[tuple[str, bytes]] = ()
    buttons: Sequence[dict[str, Any]] = ()
    instead: Post | None = None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Post:
        """Of an ANSWER."""
        error = answer.get("error")
        if error is None:
            embeds = [discord.Embed.from_dict(embed) for embed in answer["embeds"]]
            files, buttons = answer.get("files", ()), answer.get("buttons", ())
            instead = None if (other := answer.get("instead")) is None else cls.of(other)
            return cls(embeds, answer["text"], files, buttons, instead)
        if "silent_since" in answer:
            return _silent(str(error), answer["silent_since"])
        return notice("❔ No answer", str(error))

    @property
    def plain(self) -> str:
        """The text as a message."""
        text = self.text.replace("```", "'''")
        room = _LONGEST - len("```\n\n```")
        return f"```\n{text if len(text) <= room else text[: room - 1] + '…'}\n```"

    def without_files(self) -> Post:
        """What is posted where they may not be attached."""
        if self.instead is not None or not self.files:
            return self.instead or self
        text = f"{self.text}\n\nThe bot may not attach files here, so they are left out."
        return Post(text=text, buttons=self.buttons)

    def attachments(self) -> list[discord.File]:
        """The files, for one message: a `discord.File` is read once."""
        return [discord.File(io.BytesIO(content), name) for name, content in self.files]


def notice(title: str, text: str, colour: int = _GREY, shown: str | None = None) -> Post:
    """A short text. `shown` is the same in Discord's markup, where the text alone isn't all."""
    embed = discord.Embed(title=title, description=escaped(text) if shown is None else shown, colour=colour)
    return Post([embed], f"{title}\n{text}")


def slower(wait_s: float) -> Post:
    """Who asks too often."""
    shown = f"Ask again <t:{int(time.time() + wait_s) + 1}:R>."
    return notice("❔ Not so fast", f"Ask again in {math.ceil(wait_s)} s.", shown=shown)


def escaped(text: str) -> str:
    """Text that Discord shows as it is, but for what is marked as code. discord.py's own is deprecated code on Python
    3.13, and warns."""
    return _MARKDOWN.sub(lambda found: found[1] or f"\\{found[2]}", text).replace("@", "@\u200b")


def listing() -> Post:
    """The commands that there are, each with what may follow it."""
    shown = "\n".join(
        f"**{GROUPS[0]} {one.name}**: {one.help}\n{' '.join(f'`{word}`' for word in one.words)}".strip()
        for one in QUESTIONS
    )
    plain = "\n".join(
        f"{GROUPS[0]} {one.name}: {one.help}\n   {' '.join(one.words)}".rstrip() for one in QUESTIONS
    )
    return Post([discord.Embed(title="What can be asked", description=shown, colour=_GREY)], plain)


async def reply(message: discord.Message, post: Post) -> None:
    """Answer a message where it was written, without a ping."""
    may_embed, may_attach = _may(message, "embed_links"), _may(message, "attach_files")
    if not may_attach:
        post = post.without_files()
    options = _options(post, message.author.id)
    options["reference"] = message.to_reference(fail_if_not_exists=False)
    options["mention_author"] = False
    try:
        if post.embeds and may_embed:
            await message.channel.send(embeds=post.embeds, **options)
        else:
            await message.channel.send(post.plain, **options)
    except UNSENT as error:
        logger.warning("an admin command could not be answered in its channel: %s", type(error).__name__)


async def send_privately(user: Any, post: Post) -> Post:
    """Send it by direct message; what is said of that in the channel."""
    try:
        await user.send(embeds=post.embeds, **_options(post, user.id))
    except UNSENT as error:
        logger.warning("an admin command could not be answered by direct message: %s", type(error).__name__)
        return notice(
            "❔ Your inbox is closed",
            "This answer goes by direct message, and Discord does not deliver it. Allow direct messages from this "
            f"server, ask by `/{GROUPS[0]}`, or in a channel that ADMIN_CHANNEL_IDS names.",
        )
    return notice("Sent to you", "The answer is in your direct messages.")


async def put_in_place(interaction: discord.Interaction[Any], post: Post) -> None:
    """Make it what an interaction was answered with, or the message that a button is on."""
    view = buttons.view(post.buttons, interaction.user.id)
    await interaction.edit_original_response(embeds=post.embeds, attachments=post.attachments(), view=view)


def _options(post: Post, asker: int) -> dict[str, Any]:
    options: dict[str, Any] = {"allowed_mentions": discord.AllowedMentions.none()}
    if post.files:
        options["files"] = post.attachments()
    if (view := buttons.view(post.buttons, asker)) is not None:
        options["view"] = view
    return options


def _may(message: discord.Message, permission: str) -> bool:
    if message.guild is None or message.guild.me is None:
        return True
    try:
        return bool(getattr(message.channel.permissions_for(message.guild.me), permission))
    except discord.ClientException:  # a thread whose channel isn't known
        return True


def _silent(why: str, since: float | None) -> Post:
    title = "❌ The monitor does not answer"
    if since is None:
        return notice(title, why, _RED)
    rest = f"{why}\nThe bot itself works: this is its answer."
    at = datetime.fromtimestamp(since, UTC)
    shown = f"Since <t:{int(since)}:T> (<t:{int(since)}:R>). {escaped(rest)}"
    return notice(title, f"Since {at:%Y-%m-%d %H:%M:%S} UTC. {rest}", _RED, shown)
