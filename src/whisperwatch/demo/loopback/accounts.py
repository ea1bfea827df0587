"""Who there is: accounts (users and bots), roles, and members of guilds."""

from __future__ import annotations

from dataclasses import dataclass, field

from whisperwatch.demo.loopback.wire import JSON, timestamp

ADMINISTRATOR = 1 << 3
EVERYTHING = (1 << 50) - 1
ORDINARY = (
    1 << 6 | 1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 20 | 1 << 21 | 1 << 31 | 1 << 38
)  # fmt: skip
"""What @everyone may by default: react, view, send, embed, attach, history, emojis, voice, commands, threads."""


@dataclass(slots=True, eq=False)
class Account:
    """A user or a bot, whatever guilds it is in."""

    id: int
    name: str
    bot: bool = False

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> JSON:
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0001" if self.bot else "0",
            "global_name": None if self.bot else self.name.capitalize(),
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
        }


@dataclass(slots=True, eq=False)
class Role:
    """A role of a guild; `permissions` are Discord's permission bits."""

    id: int
    name: str
    permissions: int
    position: int = 1
    managed: bool = False

    def payload(self) -> JSON:
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": self.managed,
            "mentionable": False,
            "flags": 0,
        }


@dataclass(slots=True, eq=False)
class Member:
    """An account in a guild, with its roles (without @everyone) there."""

    account: Account
    roles: list[Role] = field(default_factory=list)
    joined_at: str = field(default_factory=timestamp)
    nick: str | None = None

    def payload(self, *, with_user: bool = True) -> JSON:
        """The member; messages carry it `with_user=False` because the author is beside it."""
        data: JSON = {
            "roles": [str(role.id) for role in self.roles],
            "joined_at": self.joined_at,
            "nick": self.nick,
            "avatar": None,
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
            "communication_disabled_until": None,
        }
        if with_user:
            data["user"] = self.account.payload()
        return data
