"""Guilds and their channels, as Discord's API tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from whisperwatch.demo.loopback.accounts import ADMINISTRATOR, EVERYTHING, Account, Member, Role
from whisperwatch.demo.loopback.wire import JSON, timestamp


class ChannelType(IntEnum):
    TEXT = 0
    DM = 1
    VOICE = 2


@dataclass(slots=True, eq=False)
class Channel:
    """A channel of a guild, or a direct message channel (`guild` is None) between the bot and `recipient`."""

    id: int
    name: str
    type: ChannelType = ChannelType.TEXT
    guild: Guild | None = None
    recipient: Account | None = None
    position: int = 0
    topic: str | None = None
    last_message_id: int | None = None

    @property
    def guild_id(self) -> int | None:
        return None if self.guild is None else self.guild.id

    def payload(self) -> JSON:
        last = None if self.last_message_id is None else str(self.last_message_id)
        data: JSON = {"id": str(self.id), "type": int(self.type), "last_message_id": last, "flags": 0}
        if self.recipient is not None:
            return data | {"recipients": [self.recipient.payload()]}
        data |= {
            "guild_id": str(self.guild_id),
            "name": self.name,
            "position": self.position,
            "permission_overwrites": [],
            "parent_id": None,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "topic": self.topic,
        }
        if self.type is ChannelType.VOICE:
            data |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
        return data


@dataclass(slots=True, eq=False)
class Guild:
    """A guild with its roles (the first is @everyone, with the guild's id), channels and members."""

    id: int
    name: str
    owner: Account
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    voice: dict[int, Channel] = field(default_factory=dict)
    """In which voice channel each account (by id) is."""
    joined_at: str = field(default_factory=timestamp)

    def role(self, name: str) -> Role:
        """The role of this name. Raises LookupError."""
        for role in self.roles.values():
            if role.name == name:
                return role
        raise LookupError(
            f"guild {self.name!r} has no role {name!r}; it has {[r.name for r in self.roles.values()]}"
        )

    def permissions_of(self, account: Account) -> int:
        """Permission bits of a member: roles only, there are no channel overwrites."""
        if account is self.owner:
            return EVERYTHING
        member = self.members.get(account.id)
        bits = self.roles[self.id].permissions
        for role in member.roles if member else ():
            bits |= role.permissions
        return EVERYTHING if bits & ADMINISTRATOR else bits

    def payload(self) -> JSON:
        """What GET /guilds/{guild_id} and GUILD_CREATE have in common."""
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "owner_id": str(self.owner.id),
            "afk_channel_id": None,
            "afk_timeout": 300,
            "verification_level": 1,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "roles": [role.payload() for role in self.roles.values()],
            "emojis": [],
            "stickers": [],
            "features": [],
            "mfa_level": 0,
            "application_id": None,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "vanity_url_code": None,
            "description": None,
            "banner": None,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "public_updates_channel_id": None,
            "nsfw_level": 0,
            "premium_progress_bar_enabled": False,
            "safety_alerts_channel_id": None,
            "max_members": 500000,
        }

    def create_payload(self, members: list[Member], presences: bool) -> JSON:
        """The data of GUILD_CREATE with those members that the session may see."""
        return self.payload() | {
            "joined_at": self.joined_at,
            "large": len(self.members) > 250,
            "unavailable": False,
            "member_count": len(self.members),
            "voice_states": [self.voice_state(account_id) for account_id in self.voice],
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in self.channels.values()],
            "threads": [],
            "presences": [
                {"user": {"id": str(m.account.id)}, "status": "online", "activities": [], "client_status": {}}
                for m in (members if presences else ())
            ],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def voice_state(self, account_id: int, session_id: str = "loopback-voice") -> JSON:
        """Where an account is in voice; a null channel says that it left."""
        channel = self.voice.get(account_id)
        data: JSON = {
            "guild_id": str(self.id),
            "channel_id": None if channel is None else str(channel.id),
            "user_id": str(account_id),
            "session_id": session_id,
            "deaf": False,
            "mute": False,
            "self_deaf": False,
            "self_mute": False,
            "self_video": False,
            "suppress": False,
            "request_to_speak_timestamp": None,
        }
        if account_id in self.members:
            data["member"] = self.members[account_id].payload()
        return data
