"""Who may: the application's owner or team, and whom the settings add. What can't be found out, is no."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import discord

from whisperwatch.bot.instrument import rest

logger = logging.getLogger("whisperwatch")

_KEPT_S: Final = 600.0
"""Who has left the team may no longer ask, after so long."""
_RETRY_S: Final = 30.0
"""After a failure: strangers who type our commands cause no more requests than that."""
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Admins:
    """Whom the settings add to the owners. `roles` count in `guild` alone. In `channels` all is answered openly."""

    guild: int | None = None
    roles: frozenset[int] = frozenset()
    users: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Admins:
        """From WELCOME's settings."""
        roles, users = settings.get("admin_role_ids", ()), settings.get("admin_user_ids", ())
        channels = frozenset(settings.get("admin_channel_ids", ()))
        return cls(settings.get("admin_guild_id"), frozenset(roles), frozenset(users), channels)

    def has(self, user: Any, guild_id: int | None) -> bool:
        """Whether the settings name this user, or a role that it has in the admin guild."""
        if user.id in self.users:
            return True
        if self.guild is None or guild_id != self.guild:
            return False
        # ids as Discord sent them: `Member.roles` lacks those of a guild that isn't cached, and adds @everyone
        return not self.roles.isdisjoint(getattr(user, "_roles", ()))


async def may(client: discord.Client, admins: Admins, user: Any, guild_id: int | None) -> bool:
    """Whether this user may ask. Webhooks and bots may not."""
    if user.bot or isinstance(user, discord.ClientUser):
        return False
    return admins.has(user, guild_id) or await _owns(client, user)


async def owns(client: discord.Client, admins: Admins, user: Any) -> bool:
    """Whether this user is an owner of the bot, or named by the settings: not whom a role in one guild makes an
    admin."""
    if user.bot or isinstance(user, discord.ClientUser):
        return False
    return user.id in admins.users or await _owns(client, user)


async def may_elsewhere(client: discord.Client, admins: Admins, user: Any, guild_id: int | None) -> bool:
    """The same of a button, which may be in a direct message, where a user has no roles: Discord is asked for those
    that it has in the admin guild."""
    if await may(client, admins, user, guild_id):
        return True
    if guild_id is not None or admins.guild is None or not admins.roles:
        return False
    try:
        async with asyncio.timeout(_PATIENCE_S):
            member = await client.http.get_member(admins.guild, user.id)
    except (discord.HTTPException, OSError, TimeoutError):
        return False
    return not admins.roles.isdisjoint(int(role) for role in member["roles"])


async def _owns(client: discord.Client, user: Any) -> bool:
    """As `Bot.is_owner` has it, without setting what that sets; a bot's own `is_owner` is asked."""
    from discord.ext import commands

    if isinstance(client, commands.Bot | commands.AutoShardedBot):
        if type(client).is_owner not in (commands.Bot.is_owner, commands.AutoShardedBot.is_owner):
            return await _says_so(client, user)
        if client.owner_id or client.owner_ids:
            return user.id == client.owner_id or user.id in (client.owner_ids or ())
    owners = _owners.get(client)
    if owners is None:
        owners = _owners[client] = Owners()
    return user.id in await owners.ids(client)


async def _says_so(client: Any, user: Any) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return bool(await client.is_owner(user))
    except Exception as error:
        logger.warning("the bot's own is_owner failed, so this is no admin: %s", type(error).__name__)
        return False


class Owners:
    """The owners of one client's application, as Discord last said."""

    def __init__(self) -> None:
        self._ids: frozenset[int] = frozenset()
        self._until = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def ids(self, client: discord.Client) -> frozenset[int]:
        """Their ids; none where Discord doesn't say."""
        if time.monotonic() >= self._until:
            if self._asking is None or self._asking.done():
                # a context of its own: this request is not the message's
                self._asking = asyncio.create_task(self._ask(client), context=contextvars.Context())
            await asyncio.wait({self._asking}, timeout=_PATIENCE_S)
            if time.monotonic() >= self._until:
                return frozenset()
        return self._ids

    async def _ask(self, client: discord.Client) -> None:
        rest.unwatched.set(True)
        try:
            self._ids = _owner_ids(await client.application_info())
            self._until = time.monotonic() + _KEPT_S
        except Exception as error:
            self._ids = frozenset()
            self._until = time.monotonic() + _RETRY_S
            logger.warning(
                "Discord does not say who owns this application (%s): its owner may use no admin command for %g s",
                type(error).__name__,
                _RETRY_S,
            )


_owners: weakref.WeakKeyDictionary[discord.Client, Owners] = weakref.WeakKeyDictionary()


def _owner_ids(application: discord.AppInfo) -> frozenset[int]:
    team = application.team
    if team is None:
        return frozenset({application.owner.id})
    roles = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
    accepted = discord.TeamMembershipState.accepted
    members = {m.id for m in team.members if m.role in roles and m.membership_state is accepted}
    return frozenset(members | ({team.owner_id} if team.owner_id else set()))
