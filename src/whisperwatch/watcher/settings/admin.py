"""Who may use the admin commands in Discord beside the application's owner or team. The bot needs these, by WELCOME."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from . import values
from .reading import Group, setting

_ID_DIGITS: Final = range(15, 21)


def snowflake(given: Any) -> int:
    """One of Discord's ids."""
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and len(text) in _ID_DIGITS):
        raise ValueError("is no id of Discord's")
    return int(text)


def snowflakes(given: Any) -> tuple[int, ...]:
    """Ids with commas or spaces between; of monitoring.yaml a list too."""
    parts = given if isinstance(given, list) else str(given).replace(",", " ").split()
    return tuple(map(snowflake, parts))


@dataclass(frozen=True, kw_only=True)
class Admin(Group):
    """The admin commands in Discord."""

    title: ClassVar[str] = "Admin commands in Discord"
    commands: bool = setting(
        "WHISPERWATCH_COMMANDS",
        default=True,
        parse=values.switch,
        help="Whether there are admin commands in Discord.",
        right="true or false",
        bot=True,
    )
    guild_id: int | None = setting(
        "ADMIN_GUILD_ID",
        default=None,
        parse=snowflake,
        yaml="monitoring.admin.guild_id",
        help="The admin guild: where `/watch` is published, and where the roles below count. A bot that syncs this "
        "guild in `setup_hook` needs it in the environment.",
        right="a guild's id",
        unset="none: no slash commands",
    )
    role_ids: tuple[int, ...] = setting(
        "ADMIN_ROLE_IDS",
        default=(),
        parse=snowflakes,
        yaml="monitoring.admin.role_ids",
        help="Roles of the admin guild whose members may use the commands. They count in that guild only.",
        right="ids of roles with commas between",
        unset="none",
    )
    user_ids: tuple[int, ...] = setting(
        "ADMIN_USER_IDS",
        default=(),
        parse=snowflakes,
        yaml="monitoring.admin.user_ids",
        help="Users who may use the commands, wherever they are, beside the application's owner or team.",
        right="ids of users with commas between",
        unset="none",
    )
    channel_ids: tuple[int, ...] = setting(
        "ADMIN_CHANNEL_IDS",
        default=(),
        parse=snowflakes,
        yaml="monitoring.admin.channel_ids",
        help="Channels in which `logs` and `trace` are answered when they are asked there with the bot's prefix; "
        "elsewhere the answer goes by direct message.",
        right="ids of channels with commas between",
        unset="none",
    )

    @property
    def bot(self) -> dict[str, Any]:
        """What the bot needs of it; roles without their guild mean nothing, and are left out."""
        return {
            "admin_guild_id": self.guild_id,
            "admin_role_ids": list(self.role_ids) if self.guild_id is not None else [],
            "admin_user_ids": list(self.user_ids),
            "admin_channel_ids": list(self.channel_ids),
        }
