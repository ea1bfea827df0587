"""Which gateway events a session hears, by the intents that it identified with, and what of a message it may read."""

from __future__ import annotations

from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.wire import JSON

GUILDS, MEMBERS, PRESENCES, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
PRIVILEGED = MEMBERS | PRESENCES | MESSAGE_CONTENT
KNOWN = (1 << 26) - 1 & ~(1 << 17 | 1 << 18 | 1 << 19 | 1 << 22 | 1 << 23)
"""Bits that mean something: all from GUILDS (0) to DIRECT_MESSAGE_POLLS (25) but the unused ones."""

_GUILD_BITS = {
    "GUILD_CREATE": 0, "GUILD_UPDATE": 0, "GUILD_DELETE": 0,
    "GUILD_ROLE_CREATE": 0, "GUILD_ROLE_UPDATE": 0, "GUILD_ROLE_DELETE": 0,
    "CHANNEL_CREATE": 0, "CHANNEL_UPDATE": 0, "CHANNEL_DELETE": 0, "CHANNEL_PINS_UPDATE": 0,
    "GUILD_MEMBER_ADD": 1, "GUILD_MEMBER_UPDATE": 1, "GUILD_MEMBER_REMOVE": 1,
    "WEBHOOKS_UPDATE": 5, "VOICE_STATE_UPDATE": 7, "PRESENCE_UPDATE": 8,
    "MESSAGE_CREATE": 9, "MESSAGE_UPDATE": 9, "MESSAGE_DELETE": 9, "MESSAGE_DELETE_BULK": 9,
    "MESSAGE_REACTION_ADD": 10, "MESSAGE_REACTION_REMOVE": 10, "MESSAGE_REACTION_REMOVE_ALL": 10,
    "MESSAGE_REACTION_REMOVE_EMOJI": 10, "TYPING_START": 11,
}  # fmt: skip
_DIRECT_BITS = {
    "CHANNEL_PINS_UPDATE": 12, "MESSAGE_CREATE": 12, "MESSAGE_UPDATE": 12, "MESSAGE_DELETE": 12,
    "MESSAGE_REACTION_ADD": 13, "MESSAGE_REACTION_REMOVE": 13, "MESSAGE_REACTION_REMOVE_ALL": 13,
    "MESSAGE_REACTION_REMOVE_EMOJI": 13, "TYPING_START": 14,
}  # fmt: skip


def hears(intents: int, event: str, guild_id: int | None) -> bool:
    """Whether a session with these intents gets the event. Events that need no intent are always heard."""
    bit = (_DIRECT_BITS if guild_id is None else _GUILD_BITS).get(event)
    return bit is None or bool(intents >> bit & 1)


def reads(intents: int, message: Message, bot_id: int) -> bool:
    """Whether the session gets the content of a message.

    Without MESSAGE_CONTENT only of direct messages, of the bot's own, and of those that mention it.
    """
    return (
        bool(intents & MESSAGE_CONTENT)
        or message.channel.guild is None
        or message.author.id == bot_id
        or any(account.id == bot_id for account in message.mentions)
    )


def without_content(payload: JSON) -> JSON:
    """A message's payload for a session that may not read it."""
    return payload | {"content": "", "embeds": [], "attachments": [], "components": []}
