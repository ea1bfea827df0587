"""Messages, as the loopback Discord keeps and tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whisperwatch.demo.loopback.accounts import Account
from whisperwatch.demo.loopback.guilds import Channel
from whisperwatch.demo.loopback.wire import JSON, timestamp

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.interactions import Interaction

EPHEMERAL = 1 << 6
LOADING = 1 << 7
REPLY, CHAT_INPUT_COMMAND, CONTEXT_MENU_COMMAND = 19, 20, 23
MENTION = re.compile(r"<@!?(\d+)>")
EVERYONE = re.compile(r"@(everyone|here)\b")


@dataclass(slots=True, eq=False)
class Message:
    """A message. `reference` is the message that it replies to, `interaction` what it answers."""

    id: int
    channel: Channel
    author: Account
    content: str = ""
    embeds: list[JSON] = field(default_factory=list)
    components: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    reference: Message | None = None
    interaction: Interaction | None = None
    webhook_id: int | None = None
    nonce: int | str | None = None
    flags: int = 0
    tts: bool = False
    pinned: bool = False
    timestamp: str = field(default_factory=timestamp)
    edited_timestamp: str | None = None
    reactions: dict[str, list[Account]] = field(default_factory=dict)
    """By emoji, the accounts that reacted."""
    mentions: list[Account] = field(default_factory=list)
    """Who is pinged."""
    mention_everyone: bool = False
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it is the "is thinking…" of a deferred answer: nothing that a user would call a reply."""
        return bool(self.flags & LOADING)

    @property
    def type(self) -> int:
        if self.reference is not None:
            return REPLY
        if self.interaction is None or self.interaction.kind not in ("slash", "context_menu"):
            return 0
        return CHAT_INPUT_COMMAND if self.interaction.kind == "slash" else CONTEXT_MENU_COMMAND

    def payload(self, *, gateway: bool = False, nested: bool = False) -> JSON:
        """The message; over the gateway it also names guild and member. A `nested` one holds no other."""
        data: JSON = {
            "id": str(self.id),
            "type": self.type,
            "channel_id": str(self.channel.id),
            "author": self.author.payload(),
            "content": self.content,
            "timestamp": self.timestamp,
            "edited_timestamp": self.edited_timestamp,
            "tts": self.tts,
            "mention_everyone": self.mention_everyone,
            "mentions": [account.payload() for account in self.mentions],
            "mention_roles": [],
            "attachments": self.attachments,
            "embeds": self.embeds,
            "components": self.components,
            "pinned": self.pinned,
            "flags": self.flags,
        }
        if self.reactions:
            data["reactions"] = [_reaction(emoji, accounts) for emoji, accounts in self.reactions.items()]
        if self.webhook_id is not None:
            data["webhook_id"] = str(self.webhook_id)
        if self.nonce is not None:
            data["nonce"] = self.nonce
        if self.interaction is not None:
            data |= self.interaction.of_message()
            data["application_id"] = str(self.interaction.application_id)
        if self.reference is not None and not nested:
            data |= self._reference()
        if gateway:
            data |= self._place()
        return data

    def _reference(self) -> JSON:
        assert self.reference is not None
        target = self.reference
        ids = {"type": 0, "message_id": str(target.id), "channel_id": str(target.channel.id)}
        if target.channel.guild_id is not None:
            ids["guild_id"] = str(target.channel.guild_id)
        return {
            "message_reference": ids,
            "referenced_message": None if target.deleted else target.payload(nested=True),
        }

    def _place(self) -> JSON:
        guild = self.channel.guild
        data: JSON = {"channel_type": int(self.channel.type)}
        if guild is None:
            return data
        data["guild_id"] = str(guild.id)
        member = guild.members.get(self.author.id)
        if member is not None and self.webhook_id is None:
            data["member"] = member.payload(with_user=False)
        return data


def _reaction(emoji: str, accounts: list[Account]) -> JSON:
    return {
        "emoji": emoji_payload(emoji),
        "count": len(accounts),
        "count_details": {"burst": 0, "normal": len(accounts)},
        "burst_colors": [],
        "me_burst": False,
        "burst_me": False,
        "burst_count": 0,
        "me": any(account.bot for account in accounts),
    }


def emoji_payload(emoji: str) -> JSON:
    """A unicode emoji, or a custom one written as `name:id`."""
    name, _, emoji_id = emoji.partition(":")
    return {"id": emoji_id or None, "name": name}


def mentioned_ids(content: str) -> Iterator[int]:
    """The ids of the accounts that a text mentions, in order, each once."""
    return iter(dict.fromkeys(int(found) for found in MENTION.findall(content)))
